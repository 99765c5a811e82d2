from . import access_log
from . import api_docs
from . import dispatcher
from . import http_dispatcher
from . import licensing_api
from . import managed_api
from . import portal
from . import public_api
