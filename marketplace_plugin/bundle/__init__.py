"""Opening bundles, ours and vendors' alike: the manifest, the hook modules, the fragments (floor 2).

A bundle is a directory with ``manifest.yaml``, ``hooks/`` and ``ui_fragments/``. Its hook modules are trusted code:
they run in this process with its rights. That they are free of mistakes is not trusted: a broken one is disabled and
named.
"""

from marketplace_plugin.bundle.load import Bundle, find_bundles, open_bundle, own_root
from marketplace_plugin.bundle.manifest import Integration, Manifest
from marketplace_plugin.bundle.registry import Disabled, Registry

__all__ = ["Bundle", "Disabled", "Integration", "Manifest", "Registry", "find_bundles", "open_bundle", "own_root"]
