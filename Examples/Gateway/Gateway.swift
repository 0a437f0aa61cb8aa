import Foundation
import SluiceClient
import StreamProtocol
import Transactions

/// Sends one payment to the daemon at a port of this machine, and prints what became of it.
@main struct Gateway {
    static func main() async {
        do {
            try await send(to: .tcp(host: "localhost", port: Int(CommandLine.arguments[1])!))
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }

    static func send(to address: ServerAddress) async throws {
        let environment = ProcessInfo.processInfo.environment
        var configuration = ClientConfiguration(sources: [.name("shop")])
        // While the daemon is away, what is sent goes to disk, and the next run takes it up.
        configuration.spill = SpillConfiguration(directory: "gateway.spill")
        configuration.token = environment["SLUICE_TOKEN"]
        if let authority = environment["SLUICE_CA"] {
            configuration.tls = ClientTLS()
            configuration.tls?.authorityFile = authority
        }

        let client = try await SluiceClient.connect(to: address, configuration: configuration) { result in
            switch result.outcome {
            case .success(let receipt):
                print("\(receipt.accepted) accepted, \(receipt.duplicates) duplicates, \(receipt.exceptions)")
            case .failure(let refusal): print("refused: \(refusal)")
            }
        }
        let codes = try await client.codes(for: [Name(.payee, "Phở Thìn"), Name(.region, "Hà Nội")])
        var payment = Record(
            id: RecordID(reference: "swift-1")!, timeMicroseconds: 1_795_573_800_000_000, amountMinorUnits: 250_000,
            currency: .vnd, source: client.welcome.sourceCodes[0], channel: .qr)
        // A token is that of the account on the payment's date: its key may be rotated.
        var accounts = AccountNumbers()
        accounts.append(Array("0901234567".utf8), on: CalendarDay(utcDayOf: payment.timeMicroseconds))
        let tokens = try await client.tokens(for: accounts)
        payment.payer = tokens[0]
        payment.payee = codes[0]
        payment.region = UInt16(codes[1])
        try await client.send([payment])
        try await client.finish()
    }
}
