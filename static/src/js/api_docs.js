// The page /api/licenses/docs: Swagger UI on the server's own OpenAPI document.
window.SwaggerUIBundle({
    url: "/api/licenses/openapi.json",
    dom_id: "#api",
    deepLinking: true,
    // Asks another server otherwise, to check the document.
    validatorUrl: null,
});
