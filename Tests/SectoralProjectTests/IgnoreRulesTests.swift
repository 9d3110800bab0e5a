import SectoralProject
import Testing

struct IgnoreRulesTests {
  static let paths = [
    "x.tmp", "models/x.tmp", "keep.tmp", "models/keep.tmp", "models/a.sql", "models/sub/a.sql",
    "models/b/c.sql", "models/sub/b/c.sql", "skip", "models/skip/x.sql", "models/deep.sql",
    "models/s/t/deep.sql", "old/x.sql", "models/old/y.sql", "old", "aa.sql", "models/ab.sql",
    "b.sql", "models/z",
  ]

  /// Patterns, and which of the paths the library that dbt uses (pathspec 0.12, gitwildmatch)
  /// says that they match.
  @Test(arguments: [
    ("*.tmp", ["x.tmp", "models/x.tmp", "keep.tmp", "models/keep.tmp"]),
    ("/models/a.sql", ["models/a.sql"]),
    ("models/b", ["models/b/c.sql"]),
    ("models/*.sql", ["models/a.sql", "models/deep.sql", "models/ab.sql"]),
    ("**/skip", ["skip", "models/skip/x.sql"]),
    ("models/**/deep.sql", ["models/deep.sql", "models/s/t/deep.sql"]),
    ("old/", ["old/x.sql", "models/old/y.sql"]),
    ("*.tmp\n!keep.tmp", ["x.tmp", "models/x.tmp"]),
    ("# *.tmp\n\n", []),
    ("a?.sql", ["aa.sql", "models/ab.sql"]),
    ("[ab].sql", ["models/a.sql", "models/sub/a.sql", "b.sql"]),
    ("models/**", paths.filter { $0.hasPrefix("models/") }),
  ])
  func `A pattern matches what it matches for dbt`(patterns: String, matched: [String]) {
    let rules = IgnoreRules(text: patterns)
    #expect(Self.paths.filter { rules.matches($0) } == matched)
  }
}
