import Glibc

/// What one input is given to; 0: it was taken.
typealias Target = @convention(c) (UnsafePointer<UInt8>, Int) -> CInt

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ target: Target
) -> CInt

/// `JINJA_FUZZ=parser JinjaFuzzer …` or `JINJA_FUZZ=render JinjaFuzzer …`; the arguments are
/// libFuzzer's, which starts further processes with arguments of its own.
///
/// The name is where the package manager expects the executable's `main`.
@_cdecl("JinjaFuzzer_main")
public func start(
  _ count: CInt,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
  let targets: [String: Target] = ["parser": fuzzParser, "render": fuzzRender]
  guard let name = getenv("JINJA_FUZZ"), let target = targets[String(cString: name)] else {
    print("usage: JINJA_FUZZ=parser|render JinjaFuzzer [libFuzzer's options]")
    return 2
  }
  var count = count
  var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = arguments
  return runDriver(&count, &arguments, target)
}
