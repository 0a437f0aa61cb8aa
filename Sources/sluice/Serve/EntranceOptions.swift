import ArgumentParser

/// Where the daemon listens, and whom it lets in there.
struct EntranceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where to listen; port 0 is any free one, and is printed.", valueName: "host:port"))
    var listen = HostAndPort(argument: "127.0.0.1:7501")!
    @Option(help: ArgumentHelp("Where to listen behind TLS; absent: nowhere.", valueName: "host:port"))
    var listenTls: HostAndPort?
    @Option(help: ArgumentHelp("Where to listen for HTTP; absent: nowhere.", valueName: "host:port"))
    var http: HostAndPort?
    @Option(help: ArgumentHelp("Where to listen for HTTP behind TLS; absent: nowhere.", valueName: "host:port"))
    var https: HostAndPort?
    @Option(
        help: ArgumentHelp("The certificate for TLS, with those up to its authority, in PEM.", valueName: "file"),
        completion: .file())
    var certificate: String?
    @Option(help: ArgumentHelp("The certificate's private key, in PEM.", valueName: "file"), completion: .file())
    var key: String?
    @Option(
        help: ArgumentHelp(
            "Authorities in PEM: behind TLS every client must have a certificate of theirs.", valueName: "file"),
        completion: .file())
    var clientCa: String?
    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp("Let everybody in everywhere; with --no: nobody without credentials, also on loopback."))
    var anonymous: Bool?
    @Flag(
        help: ArgumentHelp(
            "Listen without TLS beyond this machine although tokens would be readable there, as inside of a tunnel."))
    var plaintext = false

    var speaksHTTP: Bool { http != nil || https != nil }

    /// Why these options do not fit together; nil when they do.
    func validate() throws {
        let behindTLS = [("--listen-tls", listenTls), ("--https", https)].filter { $0.1 != nil }.map(\.0)
        if let option = behindTLS.first, certificate == nil || key == nil {
            throw ValidationError("\(option) needs --certificate and --key")
        }
        if certificate != nil || key != nil || clientCa != nil, behindTLS.isEmpty {
            throw ValidationError("--certificate, --key and --client-ca go with --listen-tls or --https")
        }
        for place in [listen, http].compactMap(\.self) where anonymous != true && !plaintext && !place.isLoopback {
            throw ValidationError(
                """
                \(place.host) can be reached from other machines, where what is sent could be read. Use --listen-tls or \
                --https there, or say --plaintext (inside of a tunnel), or --anonymous (everybody may do everything).
                """)
        }
    }
}
