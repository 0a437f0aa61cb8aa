import ArgumentParser
import Ledger

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a ledger and its token key.",
        discussion: """
            The time zone and the cut-over decide which business day a moment belongs to; they matter to statistics \
            only and can be changed later with 'sluice rebuild'. With --cutover 23:00, 23:00 and later belong to the \
            next date.

            EXAMPLE
              sluice init --data ledger --time-zone Asia/Ho_Chi_Minh --cutover 23:00
            """)

    @OptionGroup var data: DataOption
    @Option(help: "IANA name of the time zone of business days.") var timeZone = "UTC"
    @Option(help: "HH:MM from which on a moment belongs to the next business day.") var cutover = Cutover.none
    @Option(
        help: ArgumentHelp(
            "A variable of the environment with the token key, 64 hexadecimal digits; absent: one is drawn, and is in the ledger's token.key.",
            valueName: "variable"), transform: variableName)
    var tokenKeyEnv: String?

    func run() async throws {
        try await reportingErrors {
            let files = try data.files()
            try files.create(timeZone: timeZone, cutoverMinutes: cutover.minutes, tokenKeyVariable: tokenKeyEnv)
            let secret = tokenKeyEnv.map { "the environment's \($0)" } ?? files.tokenKey
            complain(
                "made a ledger in \(files.directory): time zone \(timeZone), cut-over \(cutover); keep \(secret) secret"
            )
        }
    }
}

/// `HH:MM`.
struct Cutover: ExpressibleByArgument, CustomStringConvertible {
    let minutes: Int

    static let none = Cutover(minutes: 0)

    private init(minutes: Int) { self.minutes = minutes }

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.count == 2 }), let hours = Int(parts[0]),
            let minutes = Int(parts[1]),
            (0..<24).contains(hours), (0..<60).contains(minutes)
        else { return nil }
        self.minutes = hours * 60 + minutes
    }

    var defaultValueDescription: String { "\(self)" }

    var description: String {
        [minutes / 60, minutes % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
}
