from . import dispatcher
from . import licensing_api
from . import public_api
