import Access
import Logging
import Service
import ServiceLifecycle

/// The doors of the daemon, from its options.
struct Entrances {
    /// Doors of the stream protocol.
    private(set) var stream: [Door] = []
    /// Doors of the HTTP API.
    private(set) var http: [Door] = []
    /// True when everybody was let in in words.
    let takeEverybody: Bool
    /// The certificate for TLS; nil without one.
    let certificate: ServerCertificate?

    /// Reads the certificate where one is needed.
    init(_ settings: DaemonSettings, access: DaemonAccess, logger: Logger) throws {
        takeEverybody = settings.anonymous == true
        certificate = try settings.readCertificate { result in
            let files = [settings.certificate, settings.key].compactMap(\.self).joined(separator: ", ")
            access.noteReload(of: files, result, logger: logger)
        }
        func door(_ place: HostAndPort, _ certificate: ServerCertificate?) -> Door {
            let takesAnonymous = settings.anonymous ?? (place.isLoopback && certificate == nil)
            return Door(
                host: place.host, port: place.port, certificate: certificate,
                gate: Gate(control: access.control, audit: access.audit, takesAnonymous: takesAnonymous))
        }
        let certificate = certificate
        stream =
            [settings.listen].compactMap { $0.map { door($0, nil) } }
            + [settings.listenTLS].compactMap { $0.map { door($0, certificate) } }
        http =
            [settings.http].compactMap { $0.map { door($0, nil) } }
            + [settings.https].compactMap { $0.map { door($0, certificate) } }
    }

    /// What has to run beside the servers.
    var services: [any ServiceLifecycle.Service] { [certificate].compactMap(\.self) }

    /// What is said on standard output when all are open.
    func places(_ server: StreamServer, _ httpServer: HTTPServer) -> [Announcement.Place] {
        stream.enumerated().map { index, door in
            ((door.certificate == nil ? "" : "tls://") + door.host, { server.port(ofDoor: index) })
        }
            + http.enumerated().map { index, door in
                ((door.certificate == nil ? "http://" : "https://") + door.host, { httpServer.port(ofDoor: index) })
            }
    }
}
