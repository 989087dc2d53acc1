# The secrets of the five managed types, and the clock and the faults of the server, for the Python programs (standard library only)
import json, os, urllib.request
from _common import EP
USER = 'rotated-python'  # tests/clients/rotation.toml has it
RDS = '{"SecretSubType":"DoubleUsers","DBInstanceId":"rm-1"}'
ACCOUNTS = '{"SecretSubType":"DoubleUsers","%s":"i-1","RegionId":"cn-hangzhou","AccountName":"app","CloneAccountName":"app_clone",%s}'
# SecretType, how the name begins, ExtendedConfig, SecretData, members of the value
TYPES = [
    ('Rds', 'rotated/rds', RDS, '{"Accounts":[{"AccountName":"app","AccountPassword":"first-Secret1"}]}', ['AccountName', 'AccountPassword']),
    ('Redis', 'rotated/redis', ACCOUNTS % ('InstanceId', '"AccountPrivilege":"RoleReadWrite"'), '$Auto', ['AccountName', 'AccountPassword']),
    ('PolarDB', 'rotated/polardb', ACCOUNTS % ('DBClusterId', '"DBType":"MySQL","AccountType":"Normal"'), '$Auto', ['AccountName', 'AccountPassword']),
    ('ECS', 'acs/ecs/rotated', '{"SecretSubType":"Password","InstanceId":"i-1","RegionId":"cn-hangzhou"}', '{"UserName":"root","Password":"first-Secret1"}', ['Password', 'UserName']),
    ('RAMCredentials', '$Auto', '{"SecretSubType":"RamUserAccessKey","UserName":"%s"}' % USER,
     '{"AccessKeys":[{"AccessKeyId":"LTAI5tRotatedPython","AccessKeySecret":"first-secret"}]}', ['AccessKeyId', 'AccessKeySecret', 'GenerateTimestamp']),
]
WEEK, WINDOW = 604800, 172800  # seconds: the plan of every secret, and the time in which two AccessKeys of a user sign
def admin(method, path, body):
    token = os.environ.get('ADMIN_TOKEN')
    headers = {'Authorization': 'Bearer ' + token} if token else {}
    request = urllib.request.Request(EP + '/_sesame/' + path, json.dumps(body).encode(), headers, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.loads(answer.read() or 'null')
def advance(seconds):
    """What became of the rotations that were due: (done, failed, running)."""
    counts = admin('POST', 'clock', {'advance_seconds': seconds})['rotations']
    return counts['done'], counts['failed'], counts['running']
def faults(rules): admin('PUT', 'faults', rules)
def resume(): admin('POST', 'clock', {'resume': True})
