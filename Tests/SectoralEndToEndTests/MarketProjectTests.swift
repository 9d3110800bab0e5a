import Foundation
import Testing

/// The figures in the warehouse against the same figures computed from the csv files.
struct MarketProjectTests {
  /// Builds the market project once; the tests read what it left.
  private struct Built {
    let home: TestHome
    let build: Sectoral.Result

    /// Rows of a query, by column; numbers may come as text.
    func rows(_ query: String) async throws -> [[String: Any]] {
      let shown = try await Sectoral.run(
        ["show", "--quiet", "--inline", query, "--output", "json", "--limit", "-1"]
          + Self.paths(in: home),
        in: Sectoral.repository,
        home: home
      )
      try #require(shown.exitCode == 0, "\(shown)")
      let value = try JSONSerialization.jsonObject(with: Data(shown.output.utf8))
      let object = try #require(value as? [String: Any])
      return try #require(object["show"] as? [[String: Any]])
    }

    static func paths(in home: TestHome) -> [String] {
      [
        "--target", "local", "--target-path", "\(home.path)/target", "--log-path",
        "\(home.path)/logs",
      ]
    }

    static let shared = Task {
      let home = try TestHome.shared.get()
      let build = try await Sectoral.run(
        ["build"] + paths(in: home),
        in: Sectoral.repository,
        home: home
      )
      return Built(home: home, build: build)
    }
  }

  private func prices(
    _ symbol: String,
    in file: String,
    by column: String
  ) throws
    -> MarketFigures.Series
  {
    let path = "\(Sectoral.repository)/Examples/data/\(file)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let series = try #require(MarketFigures.series(of: symbol, in: text, symbolColumn: column))
    try #require(series.days.count > 1)
    return series
  }

  private func number(_ value: Any?) -> Double? {
    switch value {
    case let number as NSNumber: number.doubleValue
    case let text as String: Double(text)
    default: nil
    }
  }

  @Test func buildsAndPassesItsTests() async throws {
    let built = try await Built.shared.value
    #expect(built.build.exitCode == 0, "\(built.build)")
  }

  @Test(arguments: ["AAPL", "FB"])
  func returnsAndVolatilityAreRight(of symbol: String) async throws {
    let built = try await Built.shared.value
    try #require(built.build.exitCode == 0, "\(built.build)")
    let series = try prices(symbol, in: "stock_prices.csv", by: "symbol")
    let rows = try await built.rows(
      """
      select cast(price_date as varchar(10)) as price_day, daily_return, volatility_30d
      from {{ ref('fact_daily_performance') }} where symbol = '\(symbol)' order by price_date
      """
    )
    try #require(rows.compactMap { $0["price_day"] as? String } == series.days)
    let returns = series.dailyReturns
    let volatility = series.volatility(window: 30)
    for (index, row) in rows.enumerated() {
      expectEqual(number(row["daily_return"]), returns[index], within: 1e-9, series.days[index])
      expectEqual(
        number(row["volatility_30d"]),
        volatility[index],
        within: 1e-9,
        series.days[index]
      )
    }
  }

  @Test(arguments: ["AAPL", "FB"])
  func drawdownAndBetaAreRight(of symbol: String) async throws {
    let built = try await Built.shared.value
    try #require(built.build.exitCode == 0, "\(built.build)")
    let series = try prices(symbol, in: "stock_prices.csv", by: "symbol")
    let market = try prices("^GSPC", in: "market_indices.csv", by: "index_symbol")
    let rows = try await built.rows(
      "select max_drawdown, beta from {{ ref('risk_metrics') }} where symbol = '\(symbol)'"
    )
    let row = try #require(rows.first)
    // The table keeps six decimals.
    expectEqual(number(row["max_drawdown"]), series.maximumDrawdown, within: 6e-7, symbol)
    expectEqual(number(row["beta"]), series.beta(against: market), within: 6e-7, symbol)
  }

  private func expectEqual(
    _ found: Double?,
    _ expected: Double?,
    within tolerance: Double,
    _ place: String,
    at location: SourceLocation = #_sourceLocation
  ) {
    switch (found, expected) {
    case (nil, nil): break
    case (let found?, let expected?):
      #expect(abs(found - expected) <= tolerance, "\(place)", sourceLocation: location)
    default:
      Issue.record(
        "\(place): \(String(describing: found)), not \(String(describing: expected))",
        sourceLocation: location
      )
    }
  }
}
