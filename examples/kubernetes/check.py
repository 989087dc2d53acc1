"""Validates manifests against the schemas of Kubernetes, unknown members included: check.py FILE …

Resources that an operator defines have no schema there. Only their outer structure is checked, and they are listed.
"""
import sys
import kubernetes_validate
import yaml

OPERATORS = ('alibabacloud.com/', 'monitoring.coreos.com/', 'secrets-store.csi.x-k8s.io/')
count = 0
for file in sys.argv[1:]:
    with open(file) as opened:
        resources = [resource for resource in yaml.safe_load_all(opened) if resource]
    for resource in resources:
        what = '%s %s' % (resource['kind'], resource['metadata']['name'])
        if resource['apiVersion'].startswith(OPERATORS):
            assert isinstance(resource['spec'], dict), what
            print('no schema  %s' % what)
            continue
        kubernetes_validate.validate(resource, '1.32', strict=True)
        print('valid      %s' % what)
        count += 1
assert count, 'nothing to validate'
