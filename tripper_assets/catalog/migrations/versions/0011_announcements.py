"""Changes of workflows and stages announced to whoever listens, and lists of workflows in the order of time."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# A payload names the row and does not hold it: the server takes 8,000 bytes, and a listener wants the row as it is when it reads it.
FUNCTIONS = """
CREATE FUNCTION tripper.announce_workflow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tripper_changes', NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION tripper.announce_stage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tripper_changes', NEW.workflow_id);
    RETURN NULL;
END $$;
CREATE TRIGGER announced AFTER INSERT OR UPDATE ON tripper.workflows FOR EACH ROW EXECUTE FUNCTION tripper.announce_workflow();
CREATE TRIGGER announced AFTER INSERT OR UPDATE ON tripper.workflow_stages FOR EACH ROW EXECUTE FUNCTION tripper.announce_stage();
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)
    op.create_index("ix_workflows_created_at", "workflows", ["created_at", "id"], schema="tripper")


def downgrade() -> None:
    op.drop_index("ix_workflows_created_at", "workflows", schema="tripper")
    op.execute("DROP TRIGGER announced ON tripper.workflow_stages; DROP TRIGGER announced ON tripper.workflows")
    op.execute("DROP FUNCTION tripper.announce_stage(); DROP FUNCTION tripper.announce_workflow()")
