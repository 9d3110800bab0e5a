/// The figures of the market project, computed from the csv text without SQL.
///
/// The formulas are written out here on purpose, in other words than the macros': two passes over
/// the values where SQL takes averages of products. What both agree on is likely right.
enum MarketFigures {
  /// The prices of one symbol, in the order of the days.
  struct Series {
    /// ISO days, ascending.
    var days: [String] = []
    var prices: [Double] = []

    /// The change since the day before; nil on the first day.
    var dailyReturns: [Double?] {
      var returns: [Double?] = prices.isEmpty ? [] : [nil]
      for (before, now) in zip(prices, prices.dropFirst()) {
        returns.append(now / before - 1)
      }
      return returns
    }

    /// The deepest fall from an earlier peak, from -1 to 0.
    var maximumDrawdown: Double {
      var peak = -Double.infinity
      var deepest = 0.0
      for price in prices {
        peak = max(peak, price)
        deepest = min(deepest, price / peak - 1)
      }
      return deepest
    }

    /// The annualised sample standard deviation of the last `window` returns; nil until there are
    /// that many.
    func volatility(window: Int) -> [Double?] {
      let returns = dailyReturns
      return returns.indices.map { last in
        let known = returns[max(0, last - window + 1)...last].compactMap(\.self)
        return known.count == window ? sampleDeviation(known) * 252.0.squareRoot() : nil
      }
    }

    /// How much the returns move with those of `benchmark`, over the days that both have.
    func beta(against benchmark: Series) -> Double {
      let other = Dictionary(
        uniqueKeysWithValues: zip(benchmark.days, benchmark.dailyReturns).compactMap { day, value in
          value.map { (day, $0) }
        }
      )
      let pairs = zip(days, dailyReturns).compactMap {
        day,
        value -> (own: Double, market: Double)? in
        guard let own = value, let market = other[day] else { return nil }
        return (own, market)
      }
      let ownMean = mean(pairs.map(\.own))
      let marketMean = mean(pairs.map(\.market))
      let covariance = pairs.reduce(0) { $0 + ($1.own - ownMean) * ($1.market - marketMean) }
      let variance = pairs.reduce(0) { $0 + ($1.market - marketMean) * ($1.market - marketMean) }
      return covariance / variance
    }
  }

  /// Reads one symbol's adjusted closes as the staging models let them through: from 2000 on, at
  /// eight decimals. The text has a header, no quoted fields, and a symbol's days in order; nil if
  /// a column is missing or a price is not a number.
  static func series(of symbol: String, in csv: String, symbolColumn: String) -> Series? {
    var lines = csv.split(whereSeparator: \.isNewline).makeIterator()
    guard let header = lines.next()?.split(separator: ",", omittingEmptySubsequences: false),
      let symbolIndex = header.firstIndex(where: { $0 == symbolColumn }),
      let dayIndex = header.firstIndex(of: "date"),
      let priceIndex = header.firstIndex(of: "adjusted_close")
    else { return nil }
    var series = Series()
    while let line = lines.next() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard fields.count == header.count, fields[symbolIndex] == symbol,
        fields[dayIndex] >= "2000-01-01"
      else { continue }
      guard let price = Double(fields[priceIndex]) else { return nil }
      series.days.append(String(fields[dayIndex]))
      series.prices.append((price * 1e8).rounded() / 1e8)
    }
    return series
  }

  private static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }

  private static func sampleDeviation(_ values: [Double]) -> Double {
    let middle = mean(values)
    let squares = values.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
    return (squares / Double(values.count - 1)).squareRoot()
  }
}
