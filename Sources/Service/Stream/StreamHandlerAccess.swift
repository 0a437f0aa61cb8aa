import Access
import NIOCore
import Presentation
import StreamProtocol
import Transactions

/// Who a connection is, and what it may do. What is refused here ends the connection and is noted.
extension StreamHandler {
    func identify(_ credentials: Credentials) {
        switch entrance {
        case .local: break
        case .door(let door):
            admit(at: door, asking: "stream") { () throws(Denial) in
                try door.gate.client(token: String(decoding: credentials.token, as: UTF8.self))
            }
        }
    }

    /// Knows the client at the latest now, and that it may send for the hello's sources.
    /// - Returns: false when it is refused.
    func mayOpen(_ hello: Hello) -> Bool {
        guard fault == nil else { return false }
        guard case .door(let door) = entrance else { return true }
        if client == nil {
            admit(at: door, asking: "stream") { () throws(Denial) in
                try door.gate.client(
                    token: nil,
                    certificateNames: context?.channel.pipeline.syncOperations.certificateNames() ?? [])
            }
        }
        guard let client else { return false }
        guard let source = hello.sources.first(where: { !client.permissions.maySend(for: $0) }) else { return true }
        refuse(
            at: door, asking: "send for \(source.text)",
            .sending(client, for: source.text))
        return false
    }

    /// Why the client may not have codes for these names, or tokens for accounts when there are none; nil when it may. They
    /// are for clients that send, and names of sources for those that send for them. A refusal is noted.
    func refusal(ofLookUp names: [Name] = []) -> Denial? {
        guard case .door(let door) = entrance else { return nil }
        guard let client else { return .missing }
        guard client.permissions.maySend else {
            return note(
                at: door, asking: "codes and tokens",
                .outOfScope("\(client.name) may not send: none of its scopes is send:SOURCE"))
        }
        let foreign = names.first { $0.space == .source && !client.permissions.maySend(for: $0.text) }
        return foreign.map { source in
            note(at: door, asking: "a code of a source", .sending(client, for: "'\(source.text)'"))
        }
    }

    /// Ends the connection of one who is not known any more.
    func recheckAccess() {
        guard case .door(let door) = entrance, let client, fault == nil, let denial = door.gate.denial(of: client)
        else {
            return
        }
        refuse(at: door, asking: "stream", denial)
    }

    func noteHandshakeFailure(_ error: any Error) {
        guard case .door(let door) = entrance, client == nil else { return }
        door.noteHandshakeFailure(error, of: peer, asking: "stream", logger)
    }

    private func admit(at door: Door, asking subject: String, _ find: () throws(Denial) -> Client) {
        do throws(Denial) {
            let client = try find()
            guard client.enterConnection() else {
                return fail(
                    ProtocolFault(
                        .tooManyConnections,
                        "\(client.name) has \(client.mostConnections) connections, which is all that it may have"))
            }
            self.client = client
            logger[metadataKey: "grant"] = .string(harmless(client.name))
        } catch {
            refuse(at: door, asking: subject, error)
        }
    }

    private func note(at door: Door, asking subject: String, _ denial: Denial) -> Denial {
        door.gate.noteRefusal(of: peer, subject: subject, denial)
        return denial
    }

    private func refuse(at door: Door, asking subject: String, _ denial: Denial) {
        let denial = note(at: door, asking: subject, denial)
        fail(ProtocolFault(.refusedCredentials, denial.description))
    }
}

extension Permissions {
    fileprivate func maySend(for source: SourceRequest) -> Bool {
        switch source {
        case .name(let name): maySend(for: name)
        case .code(let code): maySend(forCode: code)
        }
    }
}

extension SourceRequest {
    fileprivate var text: String {
        switch self {
        case .name(let name): "'\(name)'"
        case .code(let code): "#\(code)"
        }
    }
}
