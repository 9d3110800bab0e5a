/// What one input is given to; 0: it was taken.
typealias Target = @convention(c) (UnsafePointer<UInt8>, Int) -> CInt

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ target: Target
) -> CInt

/// `JinjaFuzzer parser …` or `JinjaFuzzer render …`: the rest is for libFuzzer.
///
/// The name is where the package manager expects the executable's `main`.
@_cdecl("JinjaFuzzer_main")
public func start(
  _ count: CInt,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
  let targets: [String: Target] = ["parser": fuzzParser, "render": fuzzRender]
  guard count > 1, let name = arguments[1], let target = targets[String(cString: name)] else {
    print("usage: JinjaFuzzer parser|render [libFuzzer's options]")
    return 2
  }
  arguments[1] = arguments[0]
  var rest = count - 1
  var start: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = arguments + 1
  return runDriver(&rest, &start, target)
}
