"""Hooks of the build: the version comes from Cargo.toml, and the wheel carries the program that SESAME_PROGRAM names.

Without SESAME_PROGRAM the wheel has no program and fits every platform; its helpers then look for `sesame` on the PATH.
"""
import os
import pathlib
import re
import sys

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "packages"))
from elf import Program  # noqa: E402


class CustomMetadataHook(MetadataHookInterface):
    def update(self, metadata):
        metadata["version"] = re.findall(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[0]


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version, build_data):
        program = os.environ.get("SESAME_PROGRAM")
        if program and version == "standard":
            build_data["pure_python"] = False
            build_data["tag"] = "py3-none-" + Program(program).wheel_tag()
            build_data["shared_scripts"][program] = "sesame"
