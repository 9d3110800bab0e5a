import SectoralAWS
import SectoralHTTP
import SectoralProject
import SectoralRedshift
import SectoralText
import SectoralWarehouse

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension ProfileWarehouses {
  func redshift(_ profile: Profile) throws(Failure) -> RedshiftWarehouse {
    let isCancelled = isCancelled
    let world = AWSWorld(
      environment: environment,
      http: HTTPClient(
        environment: environment,
        certificateVariables: ["AWS_CA_BUNDLE"],
        isCancelled: isCancelled,
        pause: { usleep(UInt32($0 * 1_000_000)) }
      ),
      now: { time(nil) },
      isCancelled: isCancelled
    )
    let settings = try RedshiftProfile(profile)
    return RedshiftWarehouse(
      settings,
      logins: RedshiftLogins(settings, world: world),
      isCancelled: isCancelled
    )
  }
}
