"""Every setting, with its default, unit and source. Frozen; only entry points read the environment.

Variables are named `ALEXANDRIA_<FIELD>`, `ALEXANDRIA_<SERVICE>_<FIELD>` and `<SERVICE>_API_KEY`. The fields of services
are made from the declarations in `providers/<service>/declaration.py`. A SettingsError names all wrong values at once.
"""

from alexandria_pipeline.settings.loading import env_file as env_file
from alexandria_pipeline.settings.loading import load_settings as load_settings
from alexandria_pipeline.settings.loading import project_folder as project_folder
from alexandria_pipeline.settings.model import SERVICES as SERVICES
from alexandria_pipeline.settings.model import AllSettings as AllSettings
from alexandria_pipeline.settings.model import Settings as Settings
