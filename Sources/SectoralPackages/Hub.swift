internal import SectoralHTTP
internal import SectoralProject
internal import SectoralText
internal import SectoralYAML

/// A registry of packages, with the interface of dbt's hub.
final class Hub {
  /// What the hub knows about one package.
  struct Package {
    /// As the hub calls it, without the namespace: the folder that it is installed in.
    let name: String
    let versions: [Version]
    /// The new name of a package that was renamed.
    let successor: String?
  }

  struct Version {
    let version: SemanticVersion
    let text: String
    let tarball: String
    /// Lower-case hexadecimal; nil where the hub gives none.
    let sha1: String?
    let requiredVersions: [String]
    /// A list of entries as in packages.yml.
    let packages: YAMLNode
  }

  static let usualAddress = "https://hub.getdbt.com/"

  private let address: String
  private let http: HTTPClient
  private let world: PackageWorld
  private var known: [String: Package] = [:]

  /// `address`: Its own in `DBT_PACKAGE_HUB_URL`.
  init(http: HTTPClient, world: PackageWorld) {
    let own = world.environment["DBT_PACKAGE_HUB_URL"].flatMap { $0.isEmpty ? nil : $0 }
    let address = own ?? Self.usualAddress
    self.address = address.hasSuffix("/") ? address : address + "/"
    self.http = http
    self.world = world
  }

  /// Asks once for each package.
  func package(_ name: String, at span: TextSpan) throws(Failure) -> Package {
    if let package = known[name] { return package }
    let url = "\(address)api/v1/\(name).json"
    let data: YAMLNode
    do throws(HTTPError) {
      data = try json(url)
    } catch {
      if error.reason == .status(404) { throw notFound(name, at: span) }
      throw Failure(
        .runtime,
        Diagnostic(
          id: "packages.hub",
          message: "The package hub could not be asked about \(name): \(error.message)",
          span: span,
          hint: error.hint
        )
      )
    }
    guard let package = read(data) else {
      throw Failure(
        .runtime,
        Diagnostic(
          id: "packages.hub",
          message: "The package hub answers with something else than a package at \(url)",
          span: span,
          hint: "check DBT_PACKAGE_HUB_URL"
        )
      )
    }
    known[name] = package
    return package
  }

  private func json(_ url: String) throws(HTTPError) -> YAMLNode {
    world.report(.hubRequest(url))
    var answer: Datum?
    let response = try http.get(
      url,
      check: { response throws(HTTPError) in
        // Half of an answer, or the page of a proxy: another try may do better.
        do throws(JSONError) {
          answer = try JSON.parse(response.body)
        } catch {
          throw HTTPError(reason: .truncated, message: "\(url) gives no JSON: \(error)")
        }
      },
      onRetry: { attempt, error in world.report(.retry(attempt, error.message)) }
    )
    world.report(.hubResponse(url, response.status))
    let file = SourceFile(path: url, bytes: response.body)
    return YAMLNode(data: answer ?? .null, at: TextSpan(file: file, start: 0, end: 0))
  }

  private func read(_ node: YAMLNode) -> Package? {
    guard let name = node["name"]?.string, let entries = node["versions"]?.mapping else {
      return nil
    }
    var versions: [Version] = []
    for (key, value) in entries {
      guard let version = SemanticVersion(key.keyText),
        let tarball = value["downloads"]?["tarball"]?.string
      else { continue }
      let none = YAMLNode(.sequence([]), at: value.span)
      versions.append(
        Version(
          version: version,
          text: key.keyText,
          tarball: tarball,
          sha1: value["downloads"]?["sha1"]?.string.flatMap { $0.isEmpty ? nil : $0.lowercased() },
          requiredVersions: (value["require_dbt_version"]?.datum.texts ?? [])
            .flatMap { $0.split(separator: ",").map { String($0.trimmingBlanks) } },
          packages: value["packages"] ?? none
        )
      )
    }
    var successor: String?
    if let namespace = node["namespace"]?.string {
      let newNamespace = node["redirectnamespace"]?.string ?? namespace
      let newName = node["redirectname"]?.string ?? name
      if newNamespace != namespace || newName != name { successor = "\(newNamespace)/\(newName)" }
    }
    return Package(name: name, versions: versions, successor: successor)
  }

  private func notFound(_ name: String, at span: TextSpan) -> Failure {
    // Only for the hint: an index that cannot be had is no second error.
    let names = (try? json("\(address)api/v1/index.json").sequence) ?? []
    let near = Spelling.nearest(to: name, among: names.compactMap(\.string))
    return Failure(
      .runtime,
      Diagnostic(
        id: "packages.not-in-hub",
        message: "Package \(name) was not found in the package index",
        span: span,
        hint: near.map { "did you mean '\($0)'?" }
          ?? "check the name at \(address); a package that is not there can be installed with git:"
      )
    )
  }
}
