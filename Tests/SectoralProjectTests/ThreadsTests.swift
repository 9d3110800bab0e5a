import SectoralProject
import Testing

/// Work on threads: what comes back, in which order, whoever did it.
struct ThreadsTests {
  @Test(arguments: [1, 2, 7])
  func resultsStandWhereTheirIndexesDo(_ width: Int) {
    Threads.$width.withValue(width) {
      let texts = Threads.map(1_000) { "number \($0)" }
      #expect(texts == (0..<1_000).map { "number \($0)" })
      #expect(Threads.map(0) { $0 }.isEmpty)
      // An optional is a value like others.
      #expect(
        Threads.map(9, by: 2) { $0 % 3 == 0 ? nil : $0 } == [nil, 1, 2, nil, 4, 5, nil, 7, 8]
      )
    }
  }

  @Test func bothComeBack() {
    let (here, there) = Threads.both {
      ["here"]
    } _: {
      "there"
    }
    #expect(here == ["here"])
    #expect(there == "there")
  }

  @Test func aJobGivesWhatCameOfIt() {
    let job = Threads.begin { (1...100).reduce(0, +) }
    #expect(job.wait() == 5_050)
  }
}
