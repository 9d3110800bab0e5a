/// The history of a zone as pytz has it: whole minutes, the years that 32 bits of seconds hold, and
/// how much of each offset is daylight time.
package final class ZoneData: Sendable {
  package struct Phase: Sendable, Equatable {
    /// Seconds east of UTC.
    package var offset: Int
    /// Seconds of it that are daylight time.
    package var daylight: Int
    package var abbreviation: String
  }

  package let name: String
  package let phases: [Phase]
  private let transitions: [(time: Int, phase: Int)]

  /// nil when the bytes are no TZif file.
  package init?(name: String, tzif bytes: [UInt8]) {
    guard let file = ZoneFile(bytes) else { return nil }
    self.name = name
    var phases: [Phase] = []
    var transitions: [(time: Int, phase: Int)] = []
    func index(_ phase: Phase) -> Int {
      if let known = phases.firstIndex(of: phase) { return known }
      phases.append(phase)
      return phases.count - 1
    }
    var steps = file.transitions
    if !steps.isEmpty {
      // Before the first transition: the first phase that is not daylight time.
      let first = file.types.firstIndex { !$0.isDaylight } ?? 0
      if file.types[steps[0].type] == file.types[first] { steps.removeFirst() }
      steps.insert((Int.min, first), at: 0)
    }
    for (position, step) in steps.enumerated() {
      let type = file.types[step.type]
      let daylight = Self.daylight(at: position, steps, file.types)
      let phase = Phase(
        offset: Self.wholeMinutes(type.offset),
        daylight: Self.wholeMinutes(daylight),
        abbreviation: type.abbreviation
      )
      transitions.append((step.time, index(phase)))
    }
    if transitions.isEmpty {
      let type = file.types[0]
      phases = [
        Phase(
          offset: Self.wholeMinutes(type.offset),
          daylight: 0,
          abbreviation: type.abbreviation
        )
      ]
    }
    self.phases = phases
    self.transitions = transitions
  }

  private static func wholeMinutes(_ seconds: Int) -> Int {
    CalendarMath.floorDivide(seconds + 30, 60) * 60
  }

  /// By how much daylight time is ahead of the standard time before it; of that after it where the
  /// zone moved across the date line, or turned its clock the other way.
  private static func daylight(
    at position: Int,
    _ steps: [(time: Int, type: Int)],
    _ types: [ZoneFile.LocalType]
  ) -> Int {
    let type = types[steps[position].type]
    guard type.isDaylight else { return 0 }
    // Without a standard time before, the first step's stands for it.
    let before = steps[..<position].last { !types[$0.type].isDaylight } ?? steps[0]
    var result = type.offset - types[before.type].offset
    if result > 0, result <= 3 * 3600 { return result }
    for step in steps[(position + 1)...] where !types[step.type].isDaylight {
      result = type.offset - types[step.type].offset
      if result > 0 { break }
    }
    return result
  }

  package var hasTransitions: Bool { !transitions.isEmpty }

  package func phase(atUTC seconds: Int) -> Int {
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle].time <= seconds { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? 0 : transitions[low - 1].phase
  }

  /// The phases in which the wall clock shows that time: none in a gap, two in an overlap, earliest
  /// first.
  func phases(atLocal seconds: Int) -> [Int] {
    var found: [Int] = []
    // The phases of the day before and the day after, read as if the clock showed UTC: as pytz
    // looks for them.
    for probe in [seconds - 86_400, seconds + 86_400] {
      let utc = seconds - phases[phase(atUTC: probe)].offset
      let phase = phase(atUTC: utc)
      if utc + phases[phase].offset == seconds, !found.contains(phase) { found.append(phase) }
    }
    return found.sorted { phases[$0].offset > phases[$1].offset }
  }
}
