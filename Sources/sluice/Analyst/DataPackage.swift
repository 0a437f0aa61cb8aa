import Analysis
import Foundation
import Rollups

/// The description of tables in CSV by the Frictionless Data Package specification, version 1
/// (https://specs.frictionlessdata.io).
struct DataPackage {
    /// A column by the Table Schema specification.
    struct Field: Encodable {
        var name: String
        var type: String
        /// Not in the specification, which allows further properties.
        var unit: String
        var description: String

        init(name: String, type: String, unit: String, description: String) {
            (self.name, self.type, self.unit, self.description) = (name, type, unit, description)
        }

        init(_ dimension: Dimension) {
            let (type, description) =
                switch dimension {
                case .day: ("date", "business day, the calendar day of the event in the ledger's time zone")
                case .month: ("yearmonth", "month of the business day")
                case .hour: ("integer", "hour of the clock in the ledger's time zone")
                case .currency: ("string", "ISO 4217; amounts of different currencies are never added up")
                case .kind: ("string", "what it is: payment, transfer, withdrawal, fee or request")
                case .event: ("string", "what happened: initiated, authorised, captured, resolved, refunded, ...")
                case .source: ("string", "the gateway that sent it")
                case .payerInstitution: ("string", "bank or wallet of the payer")
                case .payeeInstitution: ("string", "bank or wallet of the payee")
                case .payee: ("string", "merchant, biller or public agency")
                case .service: ("string", "product, merchant category or public procedure")
                case .region: ("string", "region")
                case .channel: ("string", "the way in which it came in")
                case .outcome: ("string", "what came of it")
                case .amountBand: ("string", "band of the event's amount in major units, the second edge not in it")
                }
            self.init(name: dimension.name, type: type, unit: "", description: description)
        }

        init(_ figure: Figure, column: String) {
            let isError = column != figure.name
            let type =
                switch figure.unit {
                case .events, .accounts, .milliseconds: "integer"
                case .second: "datetime"
                case .money, .percent: "number"
                }
            self.init(
                name: column, type: type, unit: figure.unit.name,
                description: isError ? "how far \(figure.name) may be off" : figure.definition)
        }
    }

    private struct Schema: Encodable {
        var fields: [Field]
        var missingValues = [""]
    }

    private struct Resource: Encodable {
        var name: String
        var path: String
        var profile = "tabular-data-resource"
        var format = "csv"
        var mediatype = "text/csv"
        var encoding = "utf-8"
        var schema: Schema
    }

    private struct Package: Encodable {
        var profile = "tabular-data-package"
        var name: String
        var title: String
        var created: Date
        /// Every record up to there is in the figures.
        var sequence: UInt64
        var resources: [Resource]
    }

    var name: String
    var title: String
    var sequence: UInt64
    var tables: [(name: String, fields: [Field])]

    /// The descriptor, `datapackage.json`.
    func json() throws -> String {
        let resources = tables.map {
            Resource(name: $0.name, path: $0.name + ".csv", schema: Schema(fields: $0.fields))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        let package = Package(name: name, title: title, created: .now, sequence: sequence, resources: resources)
        return String(decoding: try encoder.encode(package), as: UTF8.self) + "\n"
    }
}
