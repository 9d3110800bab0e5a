import Testing

@testable import SectoralCompiler

/// What columns a query has, by its text alone.
struct QueryColumnsTests {
  @Test(arguments: [
    ("select 1 as a, b, t.c, \"D\" from t", ["a", "b", "c", "d"]),
    ("select distinct a as \"x\"\"y\" from t", ["x\"y"]),
    ("select top 10 a from t where b = 'select z' -- as q", ["a"]),
    ("select extract(year from at) as y, a is distinct from b as d from t", ["y", "d"]),
    ("select count(*) n, 'x' label, case when a then 1 end c from t", ["n", "label", "c"]),
    ("select a from t union all select b from u", ["a"]),
    ("(select a from t) union (select b from u)", ["a"]),
    ("with x as (select 1 as a, 2 as b) select * from x", ["a", "b"]),
    (
      "with x(p, q) as (select 1, 2), y as (select * from x) select y.*, 3 as r from y",
      ["p", "q", "r"]
    ),
    ("with x as (select 1 as a) select z.* from x as z where a > 0 order by a", ["a"]),
    ("select * from (select 1 as a) as s", ["a"]),
    ("select sum(a) over (partition by b order by c) as s from t limit 1", ["s"]),
    ("select 'it\\'s, from' as a, $$x, y$$ as b", ["a", "b"]),
  ])
  func known(_ sql: String, _ names: [String]) {
    #expect(QueryColumns.names(of: sql, hasEscapes: true) == names, "\(sql)")
  }

  @Test(arguments: [
    "select * from t", "select t.* from t", "select a, count(*) from t", "select a::int from t",
    "with x as (select 1 as a) select * from x join y on true", "select not a from t",
    "with x as (select * from t) select * from x",
    "with recursive x as (select 1 as a) select * from x",
    "select a at time zone 'utc' from t", "select current_date", "select 1", "select a || b from t",
    "select x::double precision from t", "select date '2020-01-01'", "select a is null from t",
    "with x as (select 1 as a) select * from other.x", "select a into b from t", "values (1)",
    "select distinct on (a) a from t", "select a from t; select b from t", "", "select",
    "with x as (select 1 as a) select * from x, y", "select a.b.* from a.b", "call p()",
  ])
  func unknown(_ sql: String) {
    #expect(QueryColumns.names(of: sql, hasEscapes: true) == nil, "\(sql)")
  }
}
