from . import dispatcher
from . import public_api
