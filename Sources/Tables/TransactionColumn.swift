import Columns
import Transactions

/// The columns of the table `transactions`, in its order.
enum TransactionColumn: Int, CaseIterable {
    case sequence
    case id
    case time
    case timeMicroseconds
    case day
    case hour
    case kind
    case kindCode
    case event
    case eventCode
    case step
    case source
    case sourceCode
    case payer
    case payerInstitution
    case payerInstitutionCode
    case payee
    case payeeCode
    case payeeInstitution
    case payeeInstitutionCode
    case service
    case serviceCode
    case region
    case regionCode
    case channel
    case channelCode
    case outcome
    case outcomeCode
    case outcomeClass
    case currency
    case currencyNumeric
    case amount
    case durationMilliseconds
    case isTest
    case isOverdue

    /// The name in snake case.
    var name: String {
        var name = ""
        for character in "\(self)" {
            if character.isUppercase { name += "_" }
            name += character.lowercased()
        }
        return name
    }

    /// What a column shows of a record.
    enum Content {
        case sequence
        case id
        case time
        case microseconds
        case day
        case hour
        /// The name of a code of a space.
        case name(NameSpace, Column)
        /// A code; NULL where there is none.
        case code(Column)
        /// Words that stand for a byte.
        case byteText(Column, (UInt8) -> String?)
        /// A number that is a part of a byte.
        case byteNumber(Column, (UInt8) -> Int64)
        case currency
        case currencyNumeric
        case payer
        case amount
        case duration
    }

    /// What the column shows.
    var content: Content {
        switch self {
        case .sequence: .sequence
        case .id: .id
        case .time: .time
        case .timeMicroseconds: .microseconds
        case .day: .day
        case .hour: .hour
        case .kind: .byteText(.kindAndEvent) { Kind(rawValue: $0 & 0x0F)?.name }
        case .kindCode: .byteNumber(.kindAndEvent) { Int64($0 & 0x0F) }
        case .event: .byteText(.kindAndEvent) { Event(rawValue: $0 >> 4)?.name }
        case .eventCode: .byteNumber(.kindAndEvent) { Int64($0 >> 4) }
        case .step: .byteNumber(.flags) { Int64($0 >> 4) }
        case .source: .name(.source, .source)
        case .sourceCode: .code(.source)
        case .payer: .payer
        case .payerInstitution: .name(.institution, .payerInstitution)
        case .payerInstitutionCode: .code(.payerInstitution)
        case .payee: .name(.payee, .payee)
        case .payeeCode: .code(.payee)
        case .payeeInstitution: .name(.institution, .payeeInstitution)
        case .payeeInstitutionCode: .code(.payeeInstitution)
        case .service: .name(.service, .service)
        case .serviceCode: .code(.service)
        case .region: .name(.region, .region)
        case .regionCode: .code(.region)
        case .channel: .byteText(.channel) { Channel(rawValue: $0).name }
        case .channelCode: .byteNumber(.channel) { Int64($0) }
        case .outcome: .byteText(.outcome) { Outcome(rawValue: $0).name }
        case .outcomeCode: .byteNumber(.outcome) { Int64($0) }
        case .outcomeClass: .byteText(.outcome) { Outcome(rawValue: $0).outcomeClass?.name }
        case .currency: .currency
        case .currencyNumeric: .currencyNumeric
        case .amount: .amount
        case .durationMilliseconds: .duration
        case .isTest: .byteNumber(.flags) { $0 & Record.testFlag != 0 ? 1 : 0 }
        case .isOverdue: .byteNumber(.flags) { $0 & Record.overdueFlag != 0 ? 1 : 0 }
        }
    }

    /// Where SQLite reads it.
    var declaration: TableColumn {
        let affinity: TableColumn.Affinity =
            switch content {
            case .id, .time, .day, .name, .byteText, .currency, .payer: .text
            case .sequence, .microseconds, .hour, .code, .byteNumber, .currencyNumeric, .amount, .duration: .integer
            }
        return TableColumn(name: name, affinity: affinity)
    }
}

extension Record {
    /// A field as its column stores it; ids have none.
    func stored(_ column: Column) -> UInt64 {
        switch column {
        case .time: UInt64(bitPattern: timeMicroseconds) ^ (1 << 63)
        case .amount: UInt64(bitPattern: amountMinorUnits) ^ (1 << 63)
        case .payer: payer
        case .payerInstitution: UInt64(payerInstitution)
        case .payee: UInt64(payee)
        case .service: UInt64(service)
        case .duration: UInt64(duration.rawValue)
        case .source: UInt64(source)
        case .payeeInstitution: UInt64(payeeInstitution)
        case .region: UInt64(region)
        case .currency: UInt64(currency.rawValue)
        case .kindAndEvent: UInt64(kindAndEvent)
        case .outcome: UInt64(outcome.rawValue)
        case .channel: UInt64(channel.rawValue)
        case .flags: UInt64(flags)
        default: preconditionFailure("an id is no single value")
        }
    }
}
