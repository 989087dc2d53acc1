#!/usr/bin/env python3
"""What only `open` mode does: requests without any signature, by GET and POST, in JSON and XML; and the signed round
trips of raw_rpc.py, whose refusals of unknown keys belong to `signed` mode."""
import urllib.error, urllib.parse, urllib.request
import _common as common
from _common import EP, attempt, check, done, round_trip
from raw_rpc import acs3, code, opener, rpc
import json

def unsigned(action, params, method='POST', **more):
    query = urllib.parse.urlencode(dict(params, Action=action, Version='2016-01-20', **more))
    url, body = (EP + '/?' + query, None) if method == 'GET' else (EP + '/', query.encode())
    try:
        with opener.open(urllib.request.Request(url, data=body, method=method), timeout=20) as answer:
            return answer.read().decode(), answer.headers
    except urllib.error.HTTPError as refused:
        error = RuntimeError('refused'); error.code = json.loads(refused.read())['Code']; raise error from None

base = common.NAME
ways = (('unsigned-post', lambda a, p: json.loads(unsigned(a, p)[0])), ('unsigned-get', lambda a, p: json.loads(unsigned(a, p, 'GET')[0])),
        ('rpc-post', rpc), ('rpc-get', lambda a, p: rpc(a, p, method='GET')), ('acs3', acs3))
for label, call in ways:
    print('-- ' + label)
    common.NAME = base + '-' + label
    round_trip(call, lambda e: getattr(e, 'code', repr(e)))
for method in ('GET', 'POST'):
    text, headers = attempt('XML by ' + method, lambda: unsigned('ListSecrets', {}, method, Format='XML')) or ('', {})
    check('XML by ' + method, (text[:5], headers.get('Content-Type')), ('<?xml', 'text/xml;charset=utf-8'))
done()
