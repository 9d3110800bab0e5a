import Glibc
import SectoralPostgres
import SectoralWarehouse

// What the tests of the private server start as other processes:
//
//     supervise …                       the supervisor, as started by the server itself
//     start STATE RUNTIME IDLE-MS       starts the server; prints where it listens
//     query STATE RUNTIME IDLE-MS SQL   runs a statement in the database `project`; prints a cell
//     hold STATE RUNTIME IDLE-MS SQL    the same, and stays until its input ends

func say(_ line: String) {
  var line = line + "\n"
  line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}

func run(_ arguments: [String]) throws -> Int32 {
  guard let command = arguments.first else { return 2 }
  if command == "supervise" { return EmbeddedSupervisor.run(Array(arguments.dropFirst())) }
  guard arguments.count >= 4, let idle = Int(arguments[3]) else { return 2 }
  let configuration = EmbeddedConfiguration(
    stateDirectory: arguments[1],
    runtimeDirectory: arguments[2],
    supervisor: [executable, "supervise"],
    idleTimeout: .milliseconds(idle)
  )
  let server = try EmbeddedServer(configuration) { event in
    say("\(event)")
  }
  switch command {
  case "start":
    let lease = try server.holdLease()
    print(try server.start().socketDirectory)
    lease.release()
  case "query", "hold":
    let warehouse = EmbeddedWarehouse(server: server, database: "project")
    let connection = try warehouse.connect(name: "test")
    let table = try connection.execute(arguments[4], fetch: true, limit: nil).table
    print(table.rows.first?.first.flatMap { $0 } ?? "nothing")
    fflush(nil)
    if command == "hold" { while getchar() != EOF {} }
    withExtendedLifetime(warehouse) {}
  default:
    return 2
  }
  return 0
}

let executable = String(cString: realpath("/proc/self/exe", nil))
do {
  exit(try run(Array(CommandLine.arguments.dropFirst())))
} catch let error as EmbeddedServerError {
  say("error: \(error.message)\n\(error.log ?? "")\nhint: \(error.hint ?? "")")
  exit(1)
} catch {
  say("error: \(error)")
  exit(1)
}
