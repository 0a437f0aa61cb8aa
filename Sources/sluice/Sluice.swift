import ArgumentParser

/// The command. One file for each subcommand.
@main
struct Sluice: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "Takes transactions in, durably and once, and tells what a day was like.",
        discussion: """
            A ledger is a data directory: --data names it, or the environment's SLUICE_DATA.

            EXAMPLES
              sluice init --data ledger --time-zone Asia/Ho_Chi_Minh --cutover 23:00
              sluice serve --data ledger --listen 127.0.0.1:7501
              sluice load day.csv --mapping gateway.json --server 127.0.0.1:7501
              sluice daily --data ledger --by day,channel --measures settled,amount
              sluice reference import regions provinces.csv --data ledger

            EXIT CODES
              0   success
              1   done, but some rows were rejected or in conflict
              64  the command's words are off
              65  damage, in a ledger or in a file that cannot be read at all
              69  the ledger is in use, or the server cannot be reached
              74  reading or writing failed
              75  a statement of SQL was stopped, by a limit or by Ctrl-C
              77  the server does not know who this is, or does not allow it
            """,
        version: "0.1.0",
        subcommands: [
            InitCommand.self, ServeCommand.self, LoadCommand.self, GenerateCommand.self, DailyCommand.self,
            TopCommand.self, HoursCommand.self, QualityCommand.self, SettleCommand.self, ChangesCommand.self,
            ReconcileCommand.self, PublishCommand.self, FindCommand.self, ReferenceCommand.self,
            OfferingsCommand.self, RollupCommand.self, SQLCommand.self, ExportCommand.self, StatusCommand.self,
            VerifyCommand.self,
            CompactCommand.self, RebuildCommand.self,
            TokenCommand.self, TokenKeyCommand.self, ConfigCommand.self, BenchCommand.self,
        ])
}
