"""What the search reads: words in the activity's language, and columns to filter by that follow from the record itself."""

import hashlib

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import DATERANGE

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = "tripper"
CONFIGURATIONS = {
    "en": "english", "de": "german", "fr": "french", "es": "spanish", "it": "italian", "nl": "dutch",
}  # fmt: skip
# Words of no meaning fall out before the accents do: "für" stands in the list and "fur" does not. Parts of a word with a hyphen are words
# too; numbers and addresses stay as they are, as in PostgreSQL's own configurations.
WORDS = "asciiword, word, hword, hword_part, hword_asciipart, asciihword"
CONFIGURATION = """
CREATE TEXT SEARCH DICTIONARY tripper.{name}_stop (TEMPLATE = pg_catalog.simple, STOPWORDS = {name}, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION tripper.{name} (COPY = pg_catalog.{name});
ALTER TEXT SEARCH CONFIGURATION tripper.{name} ALTER MAPPING FOR {words} WITH tripper.{name}_stop, public.unaccent, pg_catalog.{name}_stem;
"""
PLAIN_CONFIGURATION = f"""
CREATE TEXT SEARCH CONFIGURATION tripper.plain (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION tripper.plain ALTER MAPPING FOR {WORDS} WITH public.unaccent, pg_catalog.simple;
"""
LANGUAGE_OF = """
CREATE FUNCTION tripper.language_of(tag text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lower(split_part(replace(coalesce(tag, ''), '_', '-'), '-', 1))
"""
# Written in PL/pgSQL, whose expressions are planned once for each connection: as SQL the same took five times as long for each row.
CONFIGURATION_OF = "\n".join(
    [
        "CREATE FUNCTION tripper.configuration_of(language text) RETURNS regconfig LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$",
        "BEGIN RETURN CASE language",
        *(f"    WHEN '{tag}' THEN 'tripper.{name}'::regconfig" for tag, name in CONFIGURATIONS.items()),
        "    ELSE 'tripper.plain'::regconfig END;",
        "END $$",
    ]
)
# Texts are cut, because a tsvector holds at most a megabyte and one endless description would fail a whole import.
SEARCH_OF = """
CREATE OR REPLACE FUNCTION tripper.search_of(record jsonb) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    configuration regconfig := tripper.configuration_of(tripper.language_of(record ->> 'inLanguage'));
    place jsonb := record -> 'location';
    tags jsonb := record -> 'tags';
BEGIN
    RETURN setweight(to_tsvector(configuration, left(coalesce(record ->> 'name', ''), 10000)), 'A')
        || setweight(to_tsvector(configuration, left(concat_ws(' ',
            record ->> 'category', record ->> 'keywords', tags ->> 'categories', tags ->> 'free_tags'), 20000)), 'B')
        || setweight(to_tsvector(configuration, left(concat_ws(' ',
            place ->> 'name', place #>> '{address,addressLocality}', place #>> '{address,addressRegion}',
            place #>> '{address,postalCode}', record #>> '{organizer,name}'), 20000)), 'C')
        || setweight(to_tsvector(configuration, left(coalesce(record ->> 'description', ''), 50000)), 'D');
END $$
"""
OLD_SEARCH_OF = """
CREATE OR REPLACE FUNCTION tripper.search_of(record jsonb) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(to_tsvector('pg_catalog.simple', tripper.plain(left(record ->> 'name', 10000))), 'A')
    || setweight(to_tsvector('pg_catalog.simple', tripper.plain(left(concat_ws(' ',
        record ->> 'category', record ->> 'keywords', record #>> '{location,name}', record #>> '{location,address,addressLocality}',
        record #>> '{location,address,addressRegion}', record #>> '{location,address,postalCode}', record #>> '{organizer,name}'
    ), 20000))), 'B')
    || setweight(to_tsvector('pg_catalog.simple', tripper.plain(left(coalesce(record ->> 'description', ''), 50000))), 'D')
"""
TAGS_OF = """
CREATE FUNCTION tripper.texts_of(value jsonb) RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_array_elements_text(CASE WHEN jsonb_typeof(value) = 'array' THEN value ELSE '[]' END)
$$;
CREATE FUNCTION tripper.tags_of(record jsonb) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE found text[] := '{}'; part jsonb; tag text;
BEGIN
    FOREACH part IN ARRAY ARRAY[record -> 'category', record -> 'keywords', record #> '{tags,categories}', record #> '{tags,free_tags}'] LOOP
        CONTINUE WHEN jsonb_typeof(part) IS DISTINCT FROM 'array';
        FOR place IN 0 .. jsonb_array_length(part) - 1 LOOP
            tag := left(tripper.plain(part ->> place), 200);
            IF tag <> ALL (found) THEN found := found || tag; END IF;
        END LOOP;
    END LOOP;
    RETURN found;
END $$;
"""
# What is free for some costs the others something: the least of what is not nothing, where there is such a price.
LEAST_PRICE_OF = r"""
CREATE FUNCTION tripper.least_price_of(record jsonb) RETURNS double precision LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE least double precision; most double precision; price text; offers jsonb := record -> 'offers';
BEGIN
    IF jsonb_typeof(offers) IS DISTINCT FROM 'array' THEN RETURN NULL; END IF;
    FOR place IN 0 .. jsonb_array_length(offers) - 1 LOOP
        price := offers -> place ->> 'price';
        CONTINUE WHEN price IS NULL OR price !~ '^\d{1,9}(\.\d{1,9})?$';
        most := greatest(most, price::double precision);
        IF price::double precision > 0 THEN least := least(least, price::double precision); END IF;
    END LOOP;
    RETURN coalesce(least, most);
END $$;
"""
DAYS = r"""
CREATE FUNCTION tripper.day_of(value text) RETURNS date LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE day int; month int; year int;
BEGIN
    IF value IS NULL OR value !~ '^(19|20|21)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])' THEN RETURN NULL; END IF;
    year := left(value, 4)::int; month := substr(value, 6, 2)::int; day := substr(value, 9, 2)::int;
    RETURN make_date(year, month, 1) + (least(day, (ARRAY[
        31, CASE WHEN year % 4 = 0 AND (year % 100 <> 0 OR year % 400 = 0) THEN 29 ELSE 28 END, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    ])[month]) - 1);
END $$;
-- The days of the week from one day to another as bits, Monday the lowest.
CREATE FUNCTION tripper.weekdays_between(first date, last date) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN first IS NULL OR last IS NULL OR NOT isfinite(first) OR NOT isfinite(last) OR last - first >= 6 THEN 127
    WHEN last < first THEN 0
    ELSE ((((1 << (last - first + 1)) - 1) << (extract(isodow FROM first)::int - 1))
        | ((((1 << (last - first + 1)) - 1) << (extract(isodow FROM first)::int - 1)) >> 7)) & 127 END;
CREATE FUNCTION tripper.weekday_bits(names jsonb) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(bit_or(1 << (array_position(
        ARRAY['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'], lower(name)) - 1)), 0)
    FROM tripper.texts_of(names) AS name
$$;
-- A rule, or one of the stated times, as the days from and to which it holds; opening hours as rules with the names of a schedule.
CREATE FUNCTION tripper.rules_of(record jsonb, start_date date, end_date date)
RETURNS TABLE (first date, last date, rule jsonb, bits int, is_simple boolean)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE one jsonb; every int; begins date; repeats boolean; stated boolean := false;
BEGIN
    IF jsonb_typeof(record -> 'eventSchedule') = 'array' THEN
        FOR one IN SELECT jsonb_array_elements(record -> 'eventSchedule') LOOP
            begins := tripper.day_of(one ->> 'startDate');
            every := tripper.weekday_bits(one -> 'byDay');
            repeats := coalesce(one ->> 'repeatFrequency', '') <> '' OR one ? 'byDay' OR one ? 'byMonthDay';
            rule := one;
            IF NOT repeats THEN
                CONTINUE WHEN begins IS NULL;
                first := begins; last := greatest(coalesce(tripper.day_of(one ->> 'endDate'), begins), begins); bits := 127; is_simple := NOT one ? 'exceptDate';
                rule := one - 'byMonthWeek';
            ELSE
                first := coalesce(begins, start_date, '-infinity');
                last := coalesce(tripper.day_of(one ->> 'endDate'), CASE WHEN end_date > start_date THEN end_date END, 'infinity');
                CONTINUE WHEN last < first;
                IF every = 0 AND one ->> 'repeatFrequency' ~ '^P\d+W$' AND isfinite(first) THEN
                    every := 1 << (extract(isodow FROM first)::int - 1);
                END IF;
                bits := CASE every WHEN 0 THEN 127 ELSE every END;
                is_simple := coalesce(one ->> 'repeatFrequency', 'P1W') IN ('', 'P1W', 'P1D')
                    AND NOT (one ? 'byMonthDay' OR one ? 'byMonthWeek' OR one ? 'exceptDate' OR one ? 'repeatCount');
            END IF;
            stated := true;
            RETURN NEXT;
        END LOOP;
    END IF;
    IF jsonb_typeof(record -> 'openingHoursSpecification') = 'array' THEN
        FOR one IN SELECT jsonb_array_elements(record -> 'openingHoursSpecification') LOOP
            CONTINUE WHEN coalesce(one ->> 'opens', '') <> '' AND left(one ->> 'opens', 5) = left(one ->> 'closes', 5);
            every := tripper.weekday_bits(one -> 'dayOfWeek');
            first := coalesce(tripper.day_of(one ->> 'validFrom'), start_date, '-infinity');
            last := coalesce(tripper.day_of(one ->> 'validThrough'), CASE WHEN end_date >= start_date THEN end_date END, 'infinity');
            CONTINUE WHEN last < first;
            rule := '{}'; bits := CASE every WHEN 0 THEN 127 ELSE every END; is_simple := true;
            stated := true;
            RETURN NEXT;
        END LOOP;
    END IF;
    IF NOT stated AND coalesce(start_date, end_date) IS NOT NULL THEN
        first := coalesce(start_date, end_date); last := greatest(coalesce(end_date, start_date), first);
        rule := '{}'; bits := 127; is_simple := true;
        RETURN NEXT;
    END IF;
END $$;
CREATE FUNCTION tripper.days_of(record jsonb, start_date date, end_date date) RETURNS daterange LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF record ? 'eventSchedule' OR record ? 'openingHoursSpecification' THEN
        RETURN (SELECT daterange(nullif(min(first), '-infinity'), nullif(max(last), 'infinity'), '[]') FROM tripper.rules_of(record, start_date, end_date));
    END IF;
    RETURN CASE WHEN coalesce(start_date, end_date) IS NOT NULL THEN
        daterange(coalesce(start_date, end_date), greatest(coalesce(end_date, start_date), coalesce(start_date, end_date)), '[]') END;
END $$;
-- The weekdays, and 128 where these and the days do not say it all: several rules that hold from or to other days, or one that is not simple.
CREATE FUNCTION tripper.weekdays_of(record jsonb, start_date date, end_date date) RETURNS int LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF record ? 'eventSchedule' OR record ? 'openingHoursSpecification' THEN
        RETURN (
            SELECT coalesce(bit_or(bits & tripper.weekdays_between(first, last)), 0)
                | CASE WHEN bool_and(is_simple) AND count(DISTINCT (first, last)) = 1 THEN 0 ELSE 128 END
            FROM tripper.rules_of(record, start_date, end_date)
        );
    END IF;
    RETURN 127;
END $$;
-- What the bits leave open: intervals, days and weeks of the month, exceptions and counts.
CREATE FUNCTION tripper.rule_holds(rule jsonb, first date, day date) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    parts text[] := regexp_match(rule ->> 'repeatFrequency', '^P(\d{1,4})([DWMY])$');
    step int := greatest(coalesce(parts[1]::int, 1), 1);
    counts int := CASE WHEN rule ->> 'repeatCount' ~ '^\d{1,6}$' THEN (rule ->> 'repeatCount')::int END;
    turn int := 0;
    months int;
BEGIN
    IF rule -> 'exceptDate' @> to_jsonb(day::text) THEN RETURN false; END IF;
    IF rule -> 'byMonthDay' IS NOT NULL AND NOT rule -> 'byMonthDay' @> to_jsonb(extract(day FROM day)::int) THEN RETURN false; END IF;
    IF rule -> 'byMonthWeek' IS NOT NULL
        AND NOT rule -> 'byMonthWeek' @> to_jsonb((extract(day FROM day)::int + 6) / 7)
        AND NOT (rule -> 'byMonthWeek' @> '-1' AND extract(month FROM day + 7) <> extract(month FROM day)) THEN RETURN false; END IF;
    IF parts IS NULL OR NOT isfinite(first) THEN RETURN true; END IF;
    months := (extract(year FROM day)::int - extract(year FROM first)::int) * 12 + extract(month FROM day)::int - extract(month FROM first)::int;
    turn := CASE parts[2]
        WHEN 'D' THEN day - first
        WHEN 'W' THEN (date_trunc('week', day)::date - date_trunc('week', first)::date) / 7
        WHEN 'M' THEN months
        ELSE extract(year FROM day)::int - extract(year FROM first)::int END;
    IF turn % step <> 0 THEN RETURN false; END IF;
    IF parts[2] IN ('M', 'Y') AND NOT (rule ? 'byMonthDay' OR rule ? 'byMonthWeek' OR rule ? 'byDay')
        AND extract(day FROM day) <> extract(day FROM first) THEN RETURN false; END IF;
    IF parts[2] = 'Y' AND extract(month FROM day) <> extract(month FROM first) THEN RETURN false; END IF;
    RETURN counts IS NULL OR turn / step * greatest(jsonb_array_length(coalesce(rule -> 'byDay', '[]')), 1) < counts;
END $$;
CREATE FUNCTION tripper.happens_within(record jsonb, start_date date, end_date date, since date, until date) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT EXISTS (
        SELECT FROM tripper.rules_of(record, start_date, end_date) AS one,
            LATERAL generate_series(greatest(one.first, since)::timestamp, least(one.last, until)::timestamp, '1 day') AS moment
        WHERE one.bits & (1 << (extract(isodow FROM moment)::int - 1)) <> 0 AND tripper.rule_holds(one.rule, one.first, moment::date)
    )
$$;
"""
COLUMNS = {
    "language": (sa.Text, "tripper.language_of(in_language)"),
    "tags": (lambda: sa.ARRAY(sa.Text()), "tripper.tags_of(record)"),
    "least_price": (sa.Double, "tripper.least_price_of(record)"),
    "days": (DATERANGE, "tripper.days_of(record, start_date, end_date)"),
    "weekdays": (sa.Integer, "tripper.weekdays_of(record, start_date, end_date)"),
}
FUNCTIONS = (
    "happens_within(jsonb, date, date, date, date)", "rule_holds(jsonb, date, date)", "weekdays_of(jsonb, date, date)", "days_of(jsonb, date, date)", "rules_of(jsonb, date, date)", "weekday_bits(jsonb)",
    "weekdays_between(date, date)", "day_of(text)", "least_price_of(jsonb)", "tags_of(jsonb)", "texts_of(jsonb)",
    "configuration_of(text)", "language_of(text)",
)  # fmt: skip
REFRESH = "UPDATE tripper.activities SET search = coalesce(tripper.search_of(record), '')"
INDEXED = "SELECT model, dimensions FROM tripper.activity_embeddings GROUP BY model, dimensions HAVING count(*) >= 2000 ORDER BY 1, 2"
OLD_INDEXES = "SELECT indexname FROM pg_indexes WHERE schemaname = 'tripper' AND indexdef LIKE '%USING hnsw%'"


def upgrade() -> None:
    for tag in CONFIGURATIONS.values():
        _run(CONFIGURATION.format(name=tag, words=WORDS))
    for statement in (PLAIN_CONFIGURATION, LANGUAGE_OF, CONFIGURATION_OF, SEARCH_OF, TAGS_OF, LEAST_PRICE_OF, DAYS):
        _run(statement)
    for name, (kind, value) in COLUMNS.items():
        op.add_column("activities", sa.Column(name, kind(), sa.Computed(value, persisted=True)), schema=SCHEMA)
    _run(REFRESH)
    op.create_index("ix_activities_tags", "activities", ["tags"], schema=SCHEMA, postgresql_using="gin")
    op.create_index("ix_activities_days", "activities", ["days"], schema=SCHEMA, postgresql_using="gist")
    op.create_index("ix_activities_latitude_longitude", "activities", ["latitude", "longitude"], schema=SCHEMA)
    _index_vectors("halfvec", 4000)


def downgrade() -> None:
    for index in ("latitude_longitude", "days", "tags"):
        op.drop_index(f"ix_activities_{index}", "activities", schema=SCHEMA)
    for column in COLUMNS:
        op.drop_column("activities", column, schema=SCHEMA)
    _run(OLD_SEARCH_OF)
    _run(REFRESH)
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION tripper.{function}")
    for name in (*CONFIGURATIONS.values(), "plain"):
        op.execute(f"DROP TEXT SEARCH CONFIGURATION tripper.{name}")
    for name in CONFIGURATIONS.values():
        op.execute(f"DROP TEXT SEARCH DICTIONARY tripper.{name}_stop")
    _index_vectors("vector", 2000)


def _run(statements: str) -> None:
    op.get_bind().exec_driver_sql(statements.replace("%", "%%"))


def _index_vectors(kind: str, longest: int) -> None:
    """Make the indexes of vectors anew, of another type; what was indexed stays indexed."""
    connection = op.get_bind()
    for name in connection.scalars(sa.text(OLD_INDEXES)).all():
        op.execute(f"DROP INDEX tripper.{name}")
    for model, dimensions in connection.execute(sa.text(INDEXED)).all():
        if dimensions > longest:
            continue
        name = hashlib.sha256(f"{model} {dimensions}".encode()).hexdigest()[:12]
        literal = model.replace("'", "''")
        _run(
            f"CREATE INDEX ix_activity_embeddings_{name} ON tripper.activity_embeddings "
            f"USING hnsw ((embedding::public.{kind}({dimensions})) public.{kind}_cosine_ops) "
            f"WHERE model = '{literal}' AND dimensions = {dimensions}"
        )
