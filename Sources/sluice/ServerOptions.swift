import ArgumentParser
import Foundation
import SluiceClient

/// How a command that sends to a daemon is known there, and how what it says is kept from others.
struct ServerOptions: ParsableArguments {
    @Flag(help: "With --server: over TLS.") var tls = false
    @Option(
        help: ArgumentHelp(
            "With --tls: authorities in PEM that the server's certificate may be of.", valueName: "file"),
        completion: .file())
    var ca: String?
    @Option(
        help: ArgumentHelp("With --tls: this client's certificate and its key, in PEM.", valueName: "file"),
        completion: .file())
    var clientCertificate: String?
    @Option(
        help: ArgumentHelp("The certificate's key, when it is not in the same file.", valueName: "file"),
        completion: .file())
    var clientKey: String?
    @Option(
        help: ArgumentHelp(
            "With --server: a file with the token by which the server knows this client (SLUICE_TOKEN when absent).",
            valueName: "file"),
        completion: .file())
    var tokenFile: String?

    func validate() throws {
        if !tls, ca != nil || clientCertificate != nil {
            throw ValidationError("--ca and --client-certificate go with --tls")
        }
        if clientKey != nil, clientCertificate == nil {
            throw ValidationError("--client-key goes with --client-certificate")
        }
    }

    /// A configuration that shows what these options say.
    func configuration() throws -> ClientConfiguration {
        var configuration = ClientConfiguration()
        configuration.token = try token()
        if tls {
            var clientTLS = ClientTLS()
            clientTLS.authorityFile = ca
            clientTLS.certificateFile = clientCertificate
            clientTLS.keyFile = clientKey
            configuration.tls = clientTLS
        }
        return configuration
    }

    private func token() throws -> String? {
        var text = ProcessInfo.processInfo.environment["SLUICE_TOKEN"]
        if let tokenFile {
            do {
                text = try String(contentsOfFile: tokenFile, encoding: .utf8)
            } catch {
                throw InputOutputError("cannot read \(tokenFile): \(reason(of: error))")
            }
        }
        let token = text?.trimmingCharacters(in: .whitespacesAndNewlines)
        return token?.isEmpty == false ? token : nil
    }
}
