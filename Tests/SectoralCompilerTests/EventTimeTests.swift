import SectoralCompiler
import Testing

/// Windows of time; what is expected was recorded from dbt-core 1.11.16.
struct EventTimeTests {
  @Test(arguments: [
    (BatchSize.hour, -13, "2026-03-31T10:05:07", "2026-03-30T21:05:07"),
    (.day, -13, "2026-03-31T10:05:07", "2026-03-18T10:05:07"),
    (.month, -1, "2026-03-31T10:05:07", "2026-02-28T10:05:07"),
    (.month, -13, "2026-03-31T10:05:07", "2025-02-28T10:05:07"),
    (.month, 2, "2026-03-31T10:05:07", "2026-05-31T10:05:07"),
    (.month, 2, "2024-02-29T01:02:03", "2024-04-29T01:02:03"),
    (.year, -1, "2024-02-29T01:02:03", "2023-02-28T01:02:03"),
    (.year, 2, "2024-02-29T01:02:03", "2026-02-28T01:02:03"),
    // There is no earlier day, however far back is asked for.
    (.year, -9999, "2024-02-29T01:02:03", "0001-01-01T00:00:00"),
    (.hour, Int.min, "2024-02-29T01:02:03", "0001-01-01T00:00:00"),
  ])
  func moves(_ size: BatchSize, _ count: Int, _ from: String, _ to: String) throws {
    let time = try #require(EventTimeWindow.time(of: from))
    #expect(size.moved(time, by: count) == EventTimeWindow.time(of: to))
  }

  @Test(arguments: [
    // Given times are rounded to whole batches.
    (BatchSize.hour, "2020-01-01T00:30:00", "2020-01-01T02:15:00", ["00", "01", "02"]),
    (.month, "2020-01-15T00:00:00", "2020-03-01T00:00:00", ["2020-01", "2020-02"]),
    (.year, "2018-05-05T00:00:00", "2020-01-02T00:00:00", ["2018", "2019", "2020"]),
    (.day, "2020-01-01T05:00:00", "2020-01-03T01:00:00", ["01-01", "01-02", "01-03"]),
  ])
  func cutsIntoBatches(
    _ size: BatchSize,
    _ start: String,
    _ end: String,
    _ endings: [String]
  ) throws {
    let given = EventTimeWindow(
      start: try #require(EventTimeWindow.time(of: start)),
      end: try #require(EventTimeWindow.time(of: end))
    )
    let config = MicrobatchConfig(eventTime: "ts", size: size, begin: 0, lookback: 1)
    let windows = config.windows(given, isIncremental: true, now: 0)
    let labels = Batch.batches(windows, size).map(\.label)
    #expect(labels.count == endings.count)
    for (label, ending) in zip(labels, endings) { #expect(label.hasSuffix(ending)) }
  }

  @Test(arguments: [
    // What is due: the current batch and those before it.
    (true, 1, ["2026-11-28", "2026-11-29"]), (true, 0, ["2026-11-29"]),
    (true, 3, ["2026-11-26", "2026-11-27", "2026-11-28", "2026-11-29"]),
    // A new table begins where its configuration says.
    (false, 3, ["2026-11-27", "2026-11-28", "2026-11-29"]),
  ])
  func findsWhatIsDue(_ isIncremental: Bool, _ lookback: Int, _ labels: [String]) throws {
    let config = MicrobatchConfig(
      eventTime: "ts",
      size: .day,
      begin: try #require(EventTimeWindow.time(of: "2026-11-27T10:00:00")),
      lookback: lookback
    )
    let now = try #require(EventTimeWindow.time(of: "2026-11-29T01:44:35"))
    let windows = config.windows(nil, isIncremental: isIncremental, now: now)
    #expect(Batch.batches(windows, .day).map(\.label) == labels)
    #expect(windows.last?.isoTexts.end == "2026-11-30T00:00:00+00:00")
  }

  @Test
  func namesBatches() throws {
    let window = EventTimeWindow(
      start: try #require(EventTimeWindow.time(of: "2020-01-01T16:00:00")),
      end: try #require(EventTimeWindow.time(of: "2020-01-01T17:00:00"))
    )
    let batch = try #require(Batch.batches([window], .hour).first)
    #expect(batch.label == "2020-01-01T16")
    #expect(batch.id == "20200101T16")
    #expect(batch.isFirst && batch.isLast)
  }
}
