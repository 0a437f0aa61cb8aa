/// One thing about the daemon that can be set: by a flag of the command, a variable of the environment, or a file. The same
/// word everywhere: `--idle-seconds`, `SLUICE_IDLE_SECONDS`, `"idle-seconds"`.
enum Setting: String, CaseIterable {
    case data
    case listen
    case listenTLS = "listen-tls"
    case http
    case https
    case certificate
    case key
    case clientCA = "client-ca"
    case anonymous
    case plaintext
    case mappings
    case connections
    case idleSeconds = "idle-seconds"
    case segmentMebibytes = "segment-mib"
    case logLevel = "log-level"

    /// What its value is.
    enum Kind {
        case text, number, flag
    }

    /// Its name in a file.
    var name: String { rawValue }

    /// Its name in the environment.
    var variable: String { "SLUICE_" + rawValue.uppercased().replacingOccurrences(of: "-", with: "_") }

    var kind: Kind {
        switch self {
        case .connections, .idleSeconds, .segmentMebibytes: .number
        case .anonymous, .plaintext: .flag
        default: .text
        }
    }

    /// What holds when nobody says anything; nil: nothing.
    var standard: String? {
        switch self {
        case .listen: "127.0.0.1:7501"
        case .plaintext: "false"
        case .connections: "10000"
        case .idleSeconds: "60"
        case .segmentMebibytes: "256"
        case .logLevel: "info"
        default: nil
        }
    }

    /// What a place to listen at is when nothing listens there.
    static let nowhere = "none"

    /// True when a change of it holds from SIGHUP on, without a restart. Certificates are read anew as well, where they are.
    var isReloadable: Bool { self == .mappings }

    var help: String {
        switch self {
        case .data: "The ledger's directory."
        case .listen: "Where to listen; port 0 is any free one, and is printed; none: nowhere."
        case .listenTLS: "Where to listen behind TLS; absent: nowhere."
        case .http: "Where to listen for HTTP; absent: nowhere."
        case .https: "Where to listen for HTTP behind TLS; absent: nowhere."
        case .certificate: "The certificate for TLS, with those up to its authority, in PEM."
        case .key: "The certificate's private key, in PEM."
        case .clientCA: "Authorities in PEM: behind TLS every client must have a certificate of theirs."
        case .anonymous:
            "Let everybody in everywhere; with --no: nobody without credentials, also on loopback."
        case .plaintext:
            "Listen without TLS beyond this machine although tokens would be readable there, as inside of a tunnel."
        case .mappings:
            "With --http or --https: files NAME.json, each a mapping that requests name as ?mapping=NAME."
        case .connections: "The most connections at a time."
        case .idleSeconds: "Seconds of silence in the middle of a frame, or of a request's head, that end a connection."
        case .segmentMebibytes:
            "MiB after which the log goes on in a new file; those before it are compacted. 1 to 4096."
        case .logLevel: "What is told on standard error: trace, debug, info, notice, warning, error or critical."
        }
    }

    /// The help of its flag.
    var flagHelp: String { help + (standard.map { kind == .flag ? "" : " (default: \($0))" } ?? "") }
}
