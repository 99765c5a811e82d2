-- A copy of the database for tests must not sign what real software believes.
UPDATE software_license_signing_key
   SET private_pem = NULL, is_encrypted = FALSE;
