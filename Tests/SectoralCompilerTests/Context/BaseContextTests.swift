import SectoralJinja
import SectoralText
import SectoralWarehouse
import SectoralYAML
import Testing

@testable import SectoralCompiler

struct BaseContextTests {
  @Test(arguments: [
    Case(
      "{{ env_var('USER_NAME') }} {{ env_var('NOPE', 'x') }} {{ env_var('NOPE', 5) + 1 }}",
      "ada x 6"
    ),
    Case("{{ env_var('NOPE') }}", "ParsingError: Env var required but not provided: 'NOPE'"),
    Case(
      "{{ env_var('DBT_ENV_SECRET_KEY') }}",
      "ParsingError: Secret env vars are allowed only in profiles.yml or packages.yml. Found 'DBT_ENV_SECRET_KEY' referenced elsewhere."
    ),
    Case("{{ env_var() }}", "TypeError: env_var() missing 1 required positional argument: 'var'"),
    Case(
      "{{ tojson({'b': 1, 'a': none}) }} {{ tojson({'b': 1, 'a': 2}, sort_keys=true) }}",
      #"{"b": 1, "a": null} {"a": 2, "b": 1}"#
    ),
    Case("{{ tojson((1, 2)) }} {{ tojson({1: 'é', true: 1.5}) }}", #"[1, 2] {"1": 1.5}"#),
    Case(
      "{{ run_started_at }} {{ run_started_at.strftime('%Y-%m-%d') }}",
      "2024-07-01 12:00:00.000005+00:00 2024-07-01"
    ),
    Case(
      "{{ run_started_at.astimezone(modules.pytz.timezone('Asia/Tokyo')) }}",
      "2024-07-01 21:00:00.000005+09:00"
    ),
    Case("{% set z = zip([1], [2]) %}{{ z | list }}{{ z | list }}", "[(1, 2)][]"),
    Case(
      "{{ zip(modules.itertools.cycle([1, 2]), 'abc') | list }}",
      "[(1, 'a'), (2, 'b'), (1, 'c')]"
    ),
    Case(
      "{{ tojson(run_started_at) }}",
      "TypeError: Object of type datetime is not JSON serializable"
    ),
    Case("{{ tojson(set([1])) }}", "TypeError: Object of type set is not JSON serializable"),
    Case(
      #"{{ fromjson('{"a": [1, null, 2.0]}').a }} {{ fromjson('bad', 'd') }} {{ fromjson('bad') }}"#,
      "[1, None, 2.0] d None"
    ),
    Case(
      "{{ fromjson(5) }}",
      "TypeError: the JSON object must be str, bytes or bytearray, not int"
    ),
    Case(
      "{{ fromyaml('a: on\\nb: 2024-01-01\\nc: 2024-01-01 10:00:00') }}",
      "{'a': True, 'b': datetime.date(2024, 1, 1), 'c': datetime.datetime(2024, 1, 1, 10, 0)}"
    ),
    Case("{{ fromyaml('a: [', 'd') }} {{ fromyaml('') }}", "d None"),
    Case(
      "{{ toyaml({'b': [1, 'x', {'z': none}], 'a': {'q': 'on', 'w': 1.5, 'e': true}}) }}",
      "b:\n- 1\n- x\n- z: null\na:\n  q: 'on'\n  w: 1.5\n  e: true\n"
    ),
    Case("{{ toyaml({'b': 1, 'a': 2}, sort_keys=true) }}", "a: 2\nb: 1\n"),
    Case("{{ set([1, 1, 2]) | list }} {{ set(5, 'd') }} {{ set([[1]], 'd') }}", "[1, 2] d d"),
    Case("{{ set_strict(5) }}", "CompilationError: 'int' object is not iterable"),
    Case("{{ set_strict([[1]]) }}", "CompilationError: unhashable type: 'list'"),
    Case("{{ zip([1, 2], [3]) | list }} {{ zip(5, default='d') }}", "[(1, 3)] d"),
    Case("{{ zip_strict(5) }}", "CompilationError: 'int' object is not iterable"),
    Case("{{ local_md5('abc') }}", "900150983cd24fb0d6963f7d28e17f72"),
    Case("{{ local_md5(5) }}", "AttributeError: 'int' object has no attribute 'encode'"),
    Case(
      "{{ diff_of_two_dicts({'A': ['x', 'Y'], 'c': ['z']}, {'a': ['y'], 'C': ['Z']}) }}",
      "{'A': ['x']}"
    ),
    Case("{{ diff_of_two_dicts({'a': 'x'}, {}) }}", "{'a': 'x'}"),
    Case("{% macro m() %}a{{ return([1, 2]) }}b{% endmacro %}{{ m()[1] }}", "2"),
    Case(
      "{{ invocation_id[:8] }} {{ dbt_version }} {{ project_name }} {{ thread_id }}",
      "0f0f0f0f 1.11.16 shop Thread-1 (worker)"
    ),
    Case(
      "{{ flags.WHICH }} {{ flags.FULL_REFRESH }} {{ flags.which is defined }}",
      "run False False"
    ),
    Case(
      "{{ target.name }} {{ target.get('x') }} {{ target['schema'] }} {{ env.name }}",
      "dev None public dev"
    ),
    Case(
      "{{ dbt_metadata_envs }} {{ invocation_args_dict.which }} {{ sql_now }}",
      "{'TEAM': 'data'} run now()"
    ),
    Case(
      "{{ 'a' | as_bool }} {{ [1] | is_list }} {{ 1 | is_list }} {{ '1' | as_number }}",
      "a True False 1"
    ),
    Case("{{ exceptions.raise_compiler_error('boom') }}", "CompilationError: boom"),
    Case("{{ exceptions.raise_not_implemented('boom') }}", "NotImplementedError: boom"),
    Case("{{ exceptions.raise_database_error('boom') }}", "DatabaseError: boom"),
    Case("{{ exceptions.missing_relation('r') }}", "CompilationError: Relation r not found!"),
    Case(
      "{{ exceptions.missing_config({'unique_id': 'model.p.m'}, 'x') }}",
      "CompilationError: Model 'model.p.m' does not define a required config parameter 'x'."
    ),
    Case(
      "{{ exceptions.relation_wrong_type(api.Relation.create(schema='s', identifier='t', type='table'), 'view') }}",
      "CompilationError: Trying to create view \"s\".\"t\", but it currently exists as a table. Either drop \"s\".\"t\" manually, or run dbt with `--full-refresh` and dbt will drop it for you."
    ),
    Case(
      "{{ exceptions.raise_contract_error([], []) }}",
      "CompilationError: This model has an enforced contract, and its 'columns' specification is missing"
    ),
    Case(
      "{{ exceptions.column_type_missing(['a', 'b']) }}",
      "CompilationError: Contracted models require data_type to be defined for each column. Please ensure that the column name and data_type are defined within the YAML configuration for the ['a', 'b'] column(s)."
    ),
    Case(
      "{{ try_or_compiler_error('no', modules.datetime.datetime.strptime, 'x', '%Y') }}",
      "CompilationError: no"
    ),
    Case(
      "{{ validation.any('a', 'b')('a') }} {{ validation.any['a', 'b']('c') }}",
      "CompilationError: Expected value \"c\" to be one of ('a', 'b')"
    ),
    Case(
      "{{ adapter_macro('x') }}",
      "CompilationError: The \"adapter_macro\" macro has been deprecated. Instead, use the `adapter.dispatch` method to find a macro and call the result."
    ),
  ])
  func functionsBehaveAsDbts(_ test: Case) {
    #expect(TestHost().outcome(test.template) == test.expected)
  }

  @Test func contractsAreComparedInATable() {
    let outcome = TestHost().outcome(
      """
      {{ exceptions.raise_contract_error(
        [{'name': 'z', 'data_type': 'int'}, {'name': 'm', 'data_type': 'INT'}],
        [{'name': 'm', 'data_type': 'text'}, {'name': 'b', 'data_type': 'character varying'}]) }}
      """
    )
    #expect(
      outcome == """
        CompilationError: This model has an enforced contract that failed.
        Please ensure the name, data_type, and number of columns in your contract match the columns \
        in your model's definition.

        | column_name | definition_type   | contract_type | mismatch_reason       |
        | ----------- | ----------------- | ------------- | --------------------- |
        | b           | character varying |               | missing in contract   |
        | m           | text              | INT           | data type mismatch    |
        | z           |                   | int           | missing in definition |

        """
    )
  }

  @Test func messagesReachTheHost() throws {
    let host = TestHost()
    #expect(try host.render("{{ log('a') }}{{ log([1], info=true) }}{{ print(2) }}") == "")
    #expect(try host.render("{{ exceptions.warn('w') }}{{ write('sql') }}") == "")
    #expect(host.logged == ["debug: a", "info: [1]", "print: 2", "JinjaLogWarning: w"])
    #expect(host.written == ["sql"])
  }

  @Test func secretsAreForProfiles() throws {
    let host = TestHost()
    host.allowsSecrets = true
    // What stands for it: the secret is put in once the template has ended.
    #expect(
      try host.render("{{ env_var('DBT_ENV_SECRET_KEY') }}")
        == "$$$DBT_SECRET_START$$$DBT_ENV_SECRET_KEY$$$DBT_SECRET_END$$$"
    )
  }

  @Test func dictionariesAreForgottenBetweenNodes() throws {
    let host = TestHost()
    #expect(
      try host.render("{% do target.update({'name': 'changed'}) %}{{ target.name }}") == "changed"
    )
    #expect(try host.render("{{ target.name }}") == "changed")
    host.base.reset()
    #expect(try host.render("{{ target.name }}") == "dev")
  }

  @Test func builtinsHoldTheFunctions() throws {
    let host = TestHost()
    guard case .dict(let builtins) = host.base.builtins([("ref", .string("r"))]) else {
      Issue.record("builtins is a dictionary")
      return
    }
    #expect(builtins["ref"]?.asString == "r")
    for name in ["env_var", "return", "tojson", "adapter", "target", "modules", "exceptions"] {
      #expect(builtins[name] != nil)
    }
  }

  @Test func dataAndValuesAreTheSame() throws {
    let host = TestHost()
    let datum: Datum = .map([
      "a": .list([.int(1), .float(1.5), .bool(true), .null]), "d": .date("2024-01-02"),
      "t": .date("2024-01-02T03:04:05+00:00"), "big": .bigInt("123456789012345678901234567890"),
      "m": .map(["x": "y"]),
    ])
    #expect(try Datum(Value(datum), .yaml, host.interpreter) == datum)
    #expect(
      try host.interpreter.string(Value(datum))
        == "{'a': [1, 1.5, True, None], 'd': datetime.date(2024, 1, 2), 't': datetime.datetime("
        + "2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), "
        + "'big': 123456789012345678901234567890, 'm': {'x': 'y'}}"
    )
  }

  @Test(arguments: [
    ("True", "as_bool", "True"), ("true", "as_bool", "!bool"), ("5", "as_number", "5"),
    ("1.5", "as_number", "1.5"), ("1_000", "as_number", "1000"), ("x", "as_number", "!number"),
    ("True", "as_number", "!number"), ("[1, 2]", "as_native", "[1, 2]"),
    ("x", "as_native", "x"), ("0x10", "as_native", "16"),
    ("{'a': (1, 'b',)}", "as_native", "{'a': (1, 'b')}"),
    ("(1)", "as_native", "1"), ("(1,)", "as_native", "(1,)"), ("-1e3", "as_native", "-1000.0"),
    ("'a' \"b\"", "as_native", "ab"), ("{1, 2}", "as_native", "{1, 2}"),
    ("007", "as_native", "007"),
  ])
  func nativeFiltersReadLiterals(_ text: String, _ filter: String, _ expected: String) throws {
    let host = TestHost()
    let environment = Environment(Options(), filters: NativeRendering.nativeFilters)
    let interpreter = Interpreter(environment, host: host)
    let template = try environment.compile(
      SourceFile(path: "t", text: "{{ text | \(filter) }}")
    )
    let scope = DictionaryScope([Symbol("text"): .string(text)])
    let outcome: String
    do throws(TemplateError) {
      let value = try NativeRendering.finish(
        interpreter.evaluate(template, scope: scope),
        interpreter
      )
      outcome = try interpreter.string(value)
    } catch {
      outcome = "!" + (error.diagnostic.message.hasSuffix("'bool'") ? "bool" : "number")
    }
    #expect(outcome == expected)
  }
}
