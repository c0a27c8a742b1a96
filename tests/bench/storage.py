"""Fills the product's tables as years of traffic would, by SQL, in a minute or two.

Every person of the past has one conversation with one message in it, half of them in each
direction, each with its webhook or its attempt. One conversation is long: a tenth as many messages
again.
"""

from tests.bench.installation import TENANT, Installation

# The rows are consistent by construction: their foreign keys and fences need not be looked up.
_TRUST = "SET session_replication_role = replica"
_WAYS = """
CREATE TEMPORARY TABLE way AS
SELECT row_number() OVER (ORDER BY k.id) - 1 AS spot, count(*) OVER () AS ways, t.id AS tenant_id,
       k.id AS trunk_id, d.number AS did, c.extension_id
  FROM portal_trunk k JOIN portal_tenant t ON t.id = k.tenant_id
  JOIN portal_did d ON d.trunk_id = k.id JOIN portal_callerid c ON c.did_id = d.id
 WHERE t.slug = %s
"""
_PAST = """
CREATE TEMPORARY TABLE past AS
SELECT g AS place, w.*, '+1917' || (2000000 + g) AS remote,
       now() - make_interval(secs => %s + 1 - g) AS at, (g / w.ways) %% 2 = 0 AS is_inbound
  FROM generate_series(1, %s) g JOIN way w ON w.spot = g %% w.ways
"""
_EVENTS = """
INSERT INTO sms_providerevent (id, trunk_id, tenant_id, received_at, method, query, headers, body,
    address, state, reason, detail, due_at, tries, insist)
SELECT e.first + p.place, p.trunk_id, p.tenant_id, p.at, 'POST', '',
    jsonb_build_object('user-agent', 'TwilioProxy/1.1', 'host', 'sms.example.com', 'accept', '*/*',
        'content-type', 'application/x-www-form-urlencoded', 'x-twilio-signature', md5(p.remote)),
    convert_to('ToCountry=US&SmsStatus=received&NumMedia=0&MessageSid=SM' || md5(p.remote)
        || repeat('&FromCity=NEW+YORK', 16) || '&From=' || p.remote, 'UTF8'),
    '127.0.0.1', 'done', '', '', p.at, 1, false
  FROM past p, (SELECT coalesce(max(id), 0) AS first FROM sms_providerevent) e
"""
_THREADS = """
INSERT INTO sms_conversation (id, tenant_id, kind, trunk_id, our_number, remote, extension_id,
    owner_key, last_message_at, last_text)
SELECT c.first + p.place, p.tenant_id, 'external', p.trunk_id, p.did, p.remote, p.extension_id,
    'extension ' || p.extension_id, p.at, 'Some words of the past, number ' || p.place
  FROM past p, (SELECT coalesce(max(id), 0) AS first FROM sms_conversation) c
"""
_INTO = """
INSERT INTO sms_message (id, tenant_id, trunk_id, conversation_id, extension_id, direction, sender,
    recipient, text, encoding, segments, state, provider_id, reference, client_key, client_digest,
    error_code, error, history, lane, due_at, deadline, claimed_at, tries, event_id, created_at)
"""
_SHORT = """
SELECT m.first + p.place, p.tenant_id, p.trunk_id, c.id,
    CASE WHEN p.is_inbound THEN NULL ELSE p.extension_id END,
    CASE WHEN p.is_inbound THEN 'inbound' ELSE 'outbound' END,
    CASE WHEN p.is_inbound THEN p.remote ELSE p.did END,
    CASE WHEN p.is_inbound THEN p.did ELSE p.remote END,
    'Some words of the past, number ' || p.place, 'gsm7', 1,
    CASE WHEN p.is_inbound THEN 'received' ELSE 'delivered' END,
    'SM' || md5(p.remote), gen_random_uuid(),
    CASE WHEN p.is_inbound THEN '' ELSE 'past-' || p.place END,
    CASE WHEN p.is_inbound THEN '' ELSE md5(p.remote) END, '', '',
    jsonb_build_array(jsonb_build_object('state', 'queued', 'at', p.at),
        jsonb_build_object('state', 'delivered', 'at', p.at)),
    2, p.at, p.at, p.at, 1, NULL, p.at
  FROM past p JOIN sms_conversation c
    ON (c.tenant_id, c.our_number, c.remote) = (p.tenant_id, p.did, p.remote),
    (SELECT coalesce(max(id), 0) AS first FROM sms_message) m
"""
_LONG = """
SELECT l.id + g, l.tenant_id, l.trunk_id, l.conversation_id, NULL, 'inbound', 'someone',
    l.recipient, 'One of very many, number ' || g, 'gsm7', 1, 'received', 'LONG' || g,
    gen_random_uuid(), '', '', '', '', '[]', 1, l.due_at, NULL, NULL, 0, NULL, now()
  FROM generate_series(1, %s) g, (SELECT * FROM sms_message ORDER BY id DESC LIMIT 1) l
"""
_ATTEMPTS = """
INSERT INTO sms_attempt (message_id, tenant_id, trunk_id, started_at, ended_at, outcome, code,
    detail, request, response)
SELECT id, tenant_id, trunk_id, created_at, created_at, 'accepted', '', '',
    repeat('POST /2010-04-01/Accounts/ ', 12), repeat('HTTP 201 ', 20)
  FROM sms_message WHERE direction = 'outbound' AND client_key LIKE 'past-%'
"""
_NEXT = (
    "SELECT setval(pg_get_serial_sequence('sms_providerevent', 'id'), max(id))"
    " FROM sms_providerevent",
    "SELECT setval(pg_get_serial_sequence('sms_conversation', 'id'), max(id))"
    " FROM sms_conversation",
    "SELECT setval(pg_get_serial_sequence('sms_message', 'id'), max(id)) FROM sms_message",
)


def fill(place: Installation, messages: int) -> None:
    """Add so many messages of the past, and have the planner know of them."""
    ledger = place.ledger
    ledger.run(_TRUST)
    ledger.run(_WAYS, TENANT)
    ledger.run(_PAST, messages, messages)
    ledger.run("CREATE INDEX ON past (did, remote)")
    ledger.run("ANALYZE past")
    ledger.run(_EVENTS)
    ledger.run(_THREADS)
    ledger.run("ANALYZE sms_conversation")
    ledger.run(_INTO + _SHORT)
    ledger.run(_INTO + _LONG, messages // 10)
    ledger.run(_ATTEMPTS)
    for statement in _NEXT:
        ledger.run(statement)
    ledger.run("DROP TABLE past, way")
    ledger.run("RESET session_replication_role")
    # What autovacuum does in time, done now; and no checkpoint falls into the measurement.
    ledger.run("VACUUM (ANALYZE)")
    ledger.run("CHECKPOINT")
