import Ledger

extension Ledger: IngestEngine {}
