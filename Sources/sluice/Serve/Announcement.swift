import ServiceLifecycle

/// Says on standard output where the daemon listens, once it does, so that whoever started it can connect.
struct Announcement: ServiceLifecycle.Service {
    typealias Place = (name: String, port: @Sendable () -> Int?)
    let places: [Place]

    func run() async throws {
        for place in places {
            while place.port() == nil { try await Task.sleep(for: .milliseconds(2)) }
            try emit("listening on \(place.name):\(place.port() ?? 0)\n")
        }
        try await gracefulShutdown()
    }
}
