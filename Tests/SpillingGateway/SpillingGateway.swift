import Glibc
import SluiceClient
import StreamProtocol
import Transactions

/// A gateway that is killed by a test: sends payments one by one, each as a batch of its own, and prints the number of each
/// whose sending returned.
///
///     spilling-gateway PORT DIRECTORY FIRST LAST
@main struct SpillingGateway {
    static func main() async throws {
        let numbers = CommandLine.arguments[3...].map { Int64($0)! }
        var configuration = ClientConfiguration(sources: [.code(7)])
        configuration.windowBatches = 16
        configuration.spill = SpillConfiguration(directory: CommandLine.arguments[2])
        let address = ServerAddress.tcp(host: "127.0.0.1", port: Int(CommandLine.arguments[1])!)
        let client = try await SluiceClient.connect(to: address, configuration: configuration)
        for number in numbers[0]...numbers[1] {
            try await client.send([
                Record(
                    id: RecordID(reference: "P-\(number)")!, timeMicroseconds: 1_795_573_800_000_000 + number,
                    amountMinorUnits: number, currency: .vnd, source: 7)
            ])
            // Without a buffer, so that what is said is said even when the next thing is a kill.
            say("\(number)\n")
        }
        try await client.finish()
        say("\(client.leftovers.recordCount) were left over\n")
    }

    private static func say(_ text: String) {
        var text = text
        text.withUTF8 { _ = write(1, $0.baseAddress, $0.count) }
    }
}
