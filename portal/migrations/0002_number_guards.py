"""What no constraint can say: one DID, one tenant; a trunk is the own tenant's or shared."""

from django.db import migrations

OWN_TRUNK = """
CREATE FUNCTION portal_own_trunk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM portal_trunk t
        WHERE t.id = NEW.trunk_id AND (t.tenant_id IS NULL OR t.tenant_id = NEW.tenant_id)
    ) THEN
        RAISE EXCEPTION 'the trunk belongs to another tenant'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = TG_TABLE_NAME || '_own_trunk';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER own_trunk BEFORE INSERT OR UPDATE OF trunk_id, tenant_id ON portal_did
    FOR EACH ROW EXECUTE FUNCTION portal_own_trunk();
CREATE TRIGGER own_trunk BEFORE INSERT OR UPDATE OF trunk_id, tenant_id ON portal_inboundrule
    FOR EACH ROW EXECUTE FUNCTION portal_own_trunk();
CREATE TRIGGER own_trunk BEFORE INSERT OR UPDATE OF trunk_id, tenant_id ON portal_senderid
    FOR EACH ROW EXECUTE FUNCTION portal_own_trunk();
"""

# Writers of DIDs take turns (the lock ends with the transaction), so that of two tenants adding
# one number at the same instant the second sees the first. Sandbox numbers are pretended ones.
ONE_TENANT = """
CREATE FUNCTION portal_did_one_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('portal_did'::regclass::oid::bigint);
    IF EXISTS (
        SELECT 1 FROM portal_did d
        JOIN portal_trunk theirs ON theirs.id = d.trunk_id
        JOIN portal_trunk ours ON ours.id = NEW.trunk_id
        WHERE d.number = NEW.number AND d.tenant_id <> NEW.tenant_id
          AND (theirs.provider = 'sandbox') = (ours.provider = 'sandbox')
    ) THEN
        RAISE EXCEPTION 'the number % belongs to another tenant', NEW.number
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'did_one_tenant';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER one_tenant BEFORE INSERT OR UPDATE OF number, tenant_id, trunk_id ON portal_did
    FOR EACH ROW EXECUTE FUNCTION portal_did_one_tenant();
"""

UNDO = """
DROP TRIGGER one_tenant ON portal_did;
DROP FUNCTION portal_did_one_tenant();
DROP TRIGGER own_trunk ON portal_did;
DROP TRIGGER own_trunk ON portal_inboundrule;
DROP TRIGGER own_trunk ON portal_senderid;
DROP FUNCTION portal_own_trunk();
"""


class Migration(migrations.Migration):
    """Add the two triggers."""

    dependencies = [("portal", "0001_initial")]

    operations = [migrations.RunSQL(OWN_TRUNK + ONE_TENANT, UNDO)]
