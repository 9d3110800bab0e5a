internal import SectoralHTTP
internal import SectoralText
internal import Synchronization

/// A caller of AWS: its credentials, which are kept until shortly before they end, and its region.
package final class AWSAccount: Sendable {
  /// What a profile says about who calls.
  package struct Settings: Sendable, Hashable {
    /// The profile of ~/.aws; nil takes `AWS_PROFILE`, or `default`.
    package var profile: String?
    package var accessKeyID: String?
    package var secretAccessKey: String?
    package var region: String?

    package init(
      profile: String? = nil,
      accessKeyID: String? = nil,
      secretAccessKey: String? = nil,
      region: String? = nil
    ) {
      self.profile = profile
      self.accessKeyID = accessKeyID
      self.secretAccessKey = secretAccessKey
      self.region = region
    }
  }

  package let world: AWSWorld
  package let settings: Settings
  let configuration: SharedConfiguration
  /// Held while they are fetched: threads that come at once wait for one answer.
  private let kept = Mutex<AWSCredentials?>(nil)

  /// Credentials that end sooner are fetched again, in seconds.
  static let margin = 300

  package init(_ settings: Settings, world: AWSWorld) {
    self.settings = settings
    self.world = world
    configuration = SharedConfiguration(world)
  }

  /// The credentials, fetched where there are none or they are about to end.
  package func credentials() throws(AWSError) -> AWSCredentials {
    let result: Result<AWSCredentials, AWSError> = kept.withLock { kept in
      if let kept, kept.expiration.map({ $0 - Self.margin > world.now() }) ?? true {
        return .success(kept)
      }
      do throws(AWSError) {
        let credentials = try CredentialChain(self).find()
        kept = credentials
        return .success(credentials)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Lets go of credentials that turned out to be of no use.
  package func forgetCredentials() { kept.withLock { $0 = nil } }

  /// The name of the profile of ~/.aws that counts.
  var profileName: String {
    settings.profile ?? world.variable("AWS_PROFILE") ?? world.variable("AWS_DEFAULT_PROFILE")
      ?? "default"
  }

  /// Where services are asked that stand in a region; nil where nobody says it.
  package var region: String? {
    settings.region ?? world.variable("AWS_REGION") ?? world.variable("AWS_DEFAULT_REGION")
      ?? configuration.profiles[profileName]?.values["region"]
  }

  /// The region, or what to do about there being none.
  package func requiredRegion(for purpose: String) throws(AWSError) -> String {
    if let region, !region.isEmpty { return region }
    throw AWSError(
      .noRegion,
      message: "\(purpose) needs an AWS region, and none is set",
      hint: "write 'region: eu-west-1' (your own) into the profile's output, or set AWS_REGION"
    )
  }

  /// Whether the address of the service was set by hand; then nothing is derived from names.
  func ownEndpoint(_ service: String) -> String? {
    guard !world.isOn("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") else { return nil }
    let name = String(service.map { $0 == "-" || $0 == " " ? "_" : $0 })
    let profile = configuration.profiles[profileName]
    let address =
      world.variable("AWS_ENDPOINT_URL_\(name.uppercased())")
      ?? world.variable("AWS_ENDPOINT_URL")
      ?? profile?.values["services"].flatMap {
        configuration.services[$0]?.nested[name]?["endpoint_url"]
      } ?? profile?.values["endpoint_url"]
    guard var address else { return nil }
    while address.hasSuffix("/") { address.removeLast() }
    return address
  }

  /// Reads a time as AWS writes it, in seconds since 1970.
  package static func time(_ text: String) -> Int? { AWSTime.parse(text) }

  /// `https://redshift.eu-west-1.amazonaws.com`
  func endpoint(_ service: String, region: String) -> String {
    ownEndpoint(service) ?? "https://\(service).\(region).\(Self.domain(of: region))"
  }

  /// What the addresses of a region's services end in.
  static func domain(of region: String) -> String {
    let partitions = [
      ("cn-", "amazonaws.com.cn"), ("us-isob-", "sc2s.sgov.gov"), ("us-isof-", "csp.hci.ic.gov"),
      ("us-iso-", "c2s.ic.gov"), ("eu-isoe-", "cloud.adc-e.uk"),
      ("eusc-", "amazonaws.eu"),
    ]
    return partitions.first { region.hasPrefix($0.0) }?.1 ?? "amazonaws.com"
  }
}
