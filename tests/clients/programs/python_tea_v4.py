#!/usr/bin/env python3
"""python_tea.py, unmodified, with ACS4-HMAC-SHA256: the library takes that from `signature_version`, which the program's
SIGN variable does not reach."""
import runpy, pathlib
from alibabacloud_tea_openapi import models

class Config(models.Config):
    def __init__(self, **settings):
        super().__init__(signature_version='v4', **settings)

models.Config = Config
runpy.run_path(str(pathlib.Path(__file__).with_name('python_tea.py')), run_name='__main__')
