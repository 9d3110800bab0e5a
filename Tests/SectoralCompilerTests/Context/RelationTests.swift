import SectoralJinja
import SectoralWarehouse
import Testing

@testable import SectoralCompiler

struct RelationTests {
  private static func outcome(_ text: String, adapterType: String = "postgres") -> String {
    TestHost(adapterType: adapterType).outcome(
      "{% set R = api.Relation %}{% set C = api.Column %}"
        + "{% set r = R.create(database='d', schema='s', identifier='t', type='table') %}" + text
    )
  }

  @Test(arguments: [
    Case("{{ r }} {{ [r] }}", #""d"."s"."t" [<PostgresRelation "d"."s"."t">]"#),
    Case("{{ r.include(database=false) }} {{ r.quote(identifier=false) }}", #""s"."t" "d"."s".t"#),
    Case(
      "{{ r.incorporate(path={'identifier': 'x'}, type='view') }} {{ r.incorporate(type='view').is_view }}",
      #""d"."s"."x" True"#
    ),
    Case("{{ r.replace_path(schema='z') }} {{ r.without_identifier() }}", #""d"."z"."t" "d"."s""#),
    Case(
      "{{ r.information_schema() }} {{ r.information_schema('tables') }} {{ r.information_schema_only() }}",
      #""d".INFORMATION_SCHEMA "d".INFORMATION_SCHEMA.tables "d".INFORMATION_SCHEMA"#
    ),
    Case(
      "{{ r.information_schema('tables').include(database=false) }} {{ r.information_schema().replace(information_schema_view='columns') }}",
      #"INFORMATION_SCHEMA.tables "d".INFORMATION_SCHEMA.columns"#
    ),
    Case(
      "{{ r.matches('d', 's', 't') }} {{ r.matches(identifier='t') }} {{ r.matches('d', 's', 'x') }}",
      "True True False"
    ),
    Case(
      "{{ r.matches() }}",
      "DbtRuntimeError: Tried to match relation, but no search path was passed!"
    ),
    Case(
      "{{ r.get('metadata') }} {{ r.get('schema') }} {{ r.get('nope', 'x') }} {{ r['schema'] }}",
      "{'type': 'PostgresRelation'} s x s"
    ),
    Case(
      "{{ r.path }} {{ r.path.database }} {{ r.path.get_lowered_part('schema') }}",
      "Path(database='d', schema='s', identifier='t') d s"
    ),
    Case(
      "{{ r.quote_policy }} {{ r.include_policy.identifier }}",
      "Policy(database=True, schema=True, identifier=True) True"
    ),
    Case(
      "{{ r.type }} {{ r.type == 'table' }} {{ r.is_table }} {{ r.is_view }} {{ r.is_cte }} {{ r.table }} {{ r.name }}",
      "table True True False False t t"
    ),
    Case(
      "{{ r.relation_max_name_length() }} {{ r.can_be_renamed }} {{ r.can_be_replaced }} {{ r.dbt_created }} {{ r.limit }} {{ r.event_time_filter }}",
      "63 True True False None None"
    ),
    Case(
      "{{ R.create(identifier='x' * 70, type='table') }}",
      "DbtRuntimeError: Relation name '" + String(repeating: "x", count: 70)
        + "' is longer than 63 characters"
    ),
    Case("{{ R.create(identifier='x' * 70) | string | length }}", "72"),
    Case(
      "{{ R.create(database='d', type='nonsense') }}",
      "ValueError: Field \"type\" of type Optional[RelationType] in PostgresRelation has invalid value 'nonsense'"
    ),
    Case(
      "{{ r == R.create(database='d', schema='s', identifier='t', type='view') }} {{ r == R.create('d', 's', 't', 'table') }} {{ r != none }}",
      "False True True"
    ),
    Case(
      "{{ R.add_ephemeral_prefix('x') }} {{ R.scd_args(['a', 'b'], 'u') }} {{ R.scd_args('a', 'u') }} {{ R.Table }} {{ r.View }} {{ R.MaterializedView }}",
      "__dbt__cte__x ['a', 'b', 'u'] ['a', 'u'] table view materialized_view"
    ),
    Case(
      "{{ R.create(schema='s', identifier='t', limit=0) }}",
      #"(select * from "s"."t" where false limit 0) _dbt_limit_subq_t"#
    ),
    Case(
      "{{ R.create(schema='s', identifier='t', limit=5).render() }} {{ R.create() }}|",
      #""s"."t" |"#
    ),
    Case("{{ R.create(database='d', schema='s', quote_policy={'database': false}) }}", #"d."s""#),
    Case(
      "{{ r.incorporate(quote_policy={'identifier': false}) }} {{ r.incorporate(nope=1) }}",
      #""d"."s".t "d"."s"."t""#
    ),
    Case(
      "{{ r.replace(nope=1) }}",
      "TypeError: PostgresRelation.__init__() got an unexpected keyword argument 'nope'"
    ),
    Case(
      "{{ r.include(foo=true) }}",
      "TypeError: BaseRelation.include() got an unexpected keyword argument 'foo'"
    ),
    Case(
      "{{ r.replace_path(nope=1) }}",
      "TypeError: Path.__init__() got an unexpected keyword argument 'nope'"
    ),
    Case(
      "{% for x in r %}{% endfor %}",
      "CompilationError: The object (\"\"d\".\"s\".\"t\"\") was used as a dictionary. This capability has been removed from objects of this type."
    ),
    Case(
      "{{ r.keys() }}",
      "CompilationError: The object (\"\"d\".\"s\".\"t\"\") was used as a dictionary. This capability has been removed from objects of this type."
    ),
    Case(
      "{{ r.to_dict(omit_none=true).path }} {{ r.to_dict().limit }}",
      "{'database': 'd', 'schema': 's', 'identifier': 't'} None"
    ),
    Case(
      "{% if r %}y{% endif %} {{ r is mapping }} {{ r ~ 'x' }} {{ 'a%s' % r }}",
      #"y True "d"."s"."t"x a"d"."s"."t""#
    ),
    Case("{{ {r: 1}[r] }} {{ r in [r] }} {{ [r, r] | unique | list | length }}", "1 True 1"),
  ])
  func relationsBehaveAsDbts(_ test: Case) {
    #expect(Self.outcome(test.template) == test.expected)
  }

  @Test func relationsOfAnotherCaseAreNotGuessed() {
    #expect(
      Self.outcome("{{ r.matches('d', 's', 'T') }}") == """
        CompilationError: When searching for a relation, dbt found an approximate match. Instead of \
        guessing\u{20}
        which relation to use, dbt will move on. Please delete "d"."s"."t", or rename it to be less \
        ambiguous.
        Searched for: "d"."s"."T"
        Found: "d"."s"."t"
        """
    )
  }

  @Test func redshiftHasItsOwnLimits() {
    #expect(
      Self.outcome(
        "{{ r.replace(limit=0) }} {{ r.relation_max_name_length() }} {{ [r] }}",
        adapterType: "redshift"
      )
        == #"(select * from "d"."s"."t" where false limit 0) 127 [<RedshiftRelation "d"."s"."t">]"#
    )
    #expect(
      Self.outcome(
        "{{ C('a', 'text').data_type }} {{ C('a', 'varchar').data_type }} {{ C('a', 'text') }}",
        adapterType: "redshift"
      )
        == "character varying(256) character varying(256) Column(column='a', dtype='text', "
        + "char_size=None, numeric_precision=None, numeric_scale=None)"
    )
  }

  @Test(arguments: [
    Case(
      "{{ C('id', 'integer', none, 32, 0) }}",
      "PostgresColumn(column='id', dtype='integer', char_size=None, numeric_precision=32, numeric_scale=0)"
    ),
    Case(
      "{{ C('a', 'text').data_type }} {{ C('a', 'character varying', 10).data_type }} {{ C('a', 'character varying').data_type }}",
      "text character varying(10) character varying"
    ),
    Case(
      "{{ C('n', 'numeric', none, 10, 2).data_type }} {{ C('n', 'numeric').data_type }} {{ C('a', 'text[]').data_type }}",
      "numeric(10,2) numeric text[]"
    ),
    Case(
      "{{ C('n', 'integer').string_size() }}",
      "DbtRuntimeError: Called string_size() on non-string field!"
    ),
    Case(
      "{{ C('a', 'varchar', 5).can_expand_to(C('b', 'text')) }} {{ C('a', 'text').quoted }} {{ C('a', 'integer').literal(1) }}",
      "True \"a\" 1::integer"
    ),
    Case(
      "{{ C.create('x', 'STRING').dtype }} {{ C.translate_type('string') }} {{ C.translate_type('TIMESTAMP') }}",
      "TEXT TEXT TIMESTAMP"
    ),
    Case(
      "{{ C.numeric_type('numeric', 28, 6) }} {{ C.numeric_type('numeric', none, 6) }} {{ C.string_type(3) }}",
      "numeric(28,6) numeric character varying(3)"
    ),
    Case(
      "{{ C.from_description('x', 'character varying(12)').char_size }} {{ C.from_description('x', 'numeric(10,2)').numeric_scale }}",
      "12 2"
    ),
    Case(
      "{{ C.from_description('x', 'varchar(abc)') }}",
      "DbtRuntimeError: Could not interpret data_type \"varchar(abc)\": could not convert \"abc\" to an integer"
    ),
    Case(
      "{{ C('a', 'text') == C('a', 'text') }} {{ C('a', 'VARCHAR', 3).is_string() }} {{ C('a', 'DOUBLE PRECISION').is_float() }} {{ C('a', 'int8').is_number() }}",
      "True True True True"
    ),
    Case(
      "{{ column('a', 'text').name }} {{ [C('a', 'text'), C('b', 'text')] | map(attribute='name') | join(',') }}",
      "a a,b"
    ),
  ])
  func columnsBehaveAsDbts(_ test: Case) {
    #expect(Self.outcome(test.template) == test.expected)
  }
}
