from . import api_docs
from . import dispatcher
from . import managed_api
from . import public_api
