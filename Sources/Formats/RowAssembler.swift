import Transactions

/// Makes a record of a row's texts by the rules of a mapping.
///
/// All that a row says by itself is read and checked first; names and accounts come last, so that a row with a fault
/// leaves no new name behind.
struct RowAssembler: ~Copyable {
    private let template: Record
    private let readsVerbatimIDs: Bool
    private let id: TextSource
    private let time: TextSource
    private let amount: TextSource
    private let duration: TextSource
    private let amountReader: DecimalReader
    private let amountUnit: Mapping.AmountUnit
    private let durationUnit: Mapping.DurationUnit
    private let negativeAmount: Mapping.NegativeAmount
    private let personal: PersonalTest
    private let tokenPeriods: TokenPeriods
    private let accountKey = AccountKey()
    private var timeReader: TimeReader
    /// Vocabularies first, then names and accounts.
    let columns: UnsafeMutableBufferPointer<CodeColumn>
    private let vocabularyCount: Int
    /// The decimals of a currency: those of the last row's.
    private var digits = (currency: Currency.none, count: 0)
    private var nameUses: [ParsedBatch.Use] = []
    private var accountUses: [ParsedBatch.Use] = []

    init(_ mapping: Mapping, _ input: InputColumns, _ tokenPeriods: TokenPeriods) throws(FormatError) {
        let timeReader = try TimeReader(mapping)
        var compiler = MappingCompiler(mapping, input)
        (columns, vocabularyCount) = try compiler.codeColumns()
        template = compiler.template
        self.timeReader = timeReader
        readsVerbatimIDs = mapping.isOwnForm
        id = compiler.source(.id)
        time = compiler.source(.time)
        amount = compiler.source(.amount)
        duration = compiler.source(.duration)
        amountReader = DecimalReader(
            decimalSeparator: mapping.decimalSeparator, thousandsSeparator: mapping.thousandsSeparator)
        amountUnit = mapping.amountUnit
        durationUnit = mapping.durationUnit
        negativeAmount = mapping.negativeAmount
        personal = PersonalTest(mapping, input)
        self.tokenPeriods = tokenPeriods
    }

    deinit {
        columns.deinitialize()
        columns.deallocate()
    }

    /// To be called before each batch: keeps the caches within their bounds.
    mutating func trim() {
        for column in columns.indices { columns[column].trim() }
    }

    /// Adds the row's record, or its reject, to the batch.
    /// - Parameter texts: one for each input column.
    mutating func assemble(
        _ texts: UnsafeBufferPointer<FieldText>, row: Int, nowMicroseconds: Int64, into batch: inout ParsedBatch
    ) {
        do throws(RowFault) {
            var record = template
            try readOwnValues(texts, &record)
            try check(record, nowMicroseconds: nowMicroseconds)
            nameUses.removeAll(keepingCapacity: true)
            accountUses.removeAll(keepingCapacity: true)
            try readNames(texts, &record, &batch)
            if !nameUses.isEmpty { batch.nameUses.append(contentsOf: nameUses) }
            if !accountUses.isEmpty { batch.accountUses.append(contentsOf: accountUses) }
            batch.records.append(record)
            batch.rows.append(row)
        } catch {
            batch.reject(row: row, error)
        }
    }

    private mutating func readOwnValues(
        _ texts: UnsafeBufferPointer<FieldText>, _ record: inout Record
    ) throws(RowFault) {
        for position in 0..<vocabularyCount {
            let text = columns[position].source.text(texts)
            if text.isEmpty {
                if columns[position].source.field.isRequired { throw columns[position].source.missing }
                continue
            }
            let entry = columns[position].entry(of: text)
            let number =
                entry >= 0 ? columns[position].number(entry) : try enterWord(text, as: position)
            if let number { record.store(number, columns[position].source.field) }
        }
        try readID(texts, &record)
        try readTime(texts, &record)
        try readAmount(texts, &record)
        try readDuration(texts, &record)
    }

    private func enterWord(_ text: FieldText, as column: Int) throws(RowFault) -> UInt64? {
        var none = ParsedBatch(number: 0)
        let entry = try columns[column].enter(text, under: text, on: .first, known: -1, as: column, into: &none)
        return columns[column].number(entry)
    }

    @inline(__always)
    private func readID(_ texts: UnsafeBufferPointer<FieldText>, _ record: inout Record) throws(RowFault) {
        let text = readsVerbatimIDs ? id.verbatim(texts) : id.text(texts)
        guard !text.isEmpty else { throw id.missing }
        if let plain = text.uuid ?? text.shortReference, plain != .none {
            record.id = plain
        } else {
            record.id = try anyID(text)
        }
    }

    private func anyID(_ text: FieldText) throws(RowFault) -> RecordID {
        let isPrinted = text.count == 39 && text.start[6] == UInt8(ascii: ":")
        let entered =
            isPrinted ? RecordID(printed: String(decoding: text.bytes, as: UTF8.self)) : RecordID(utf8: text.bytes)
        guard let entered else { throw id.fault(text, "is no reference") }
        return entered
    }

    private mutating func readTime(_ texts: UnsafeBufferPointer<FieldText>, _ record: inout Record) throws(RowFault) {
        let text = time.text(texts)
        guard !text.isEmpty else { throw time.missing }
        do throws(TimeFault) {
            record.timeMicroseconds = try timeReader.microseconds(of: text)
        } catch {
            throw time.fault(text, error.message)
        }
    }

    private mutating func readAmount(_ texts: UnsafeBufferPointer<FieldText>, _ record: inout Record) throws(RowFault) {
        let text = amount.text(texts)
        guard !text.isEmpty else { throw amount.missing }
        if record.currency.rawValue != digits.currency.rawValue {
            digits = (record.currency, amountUnit == .major ? record.currency.minorUnitDigits : 0)
        }
        let decimalByte = text.isNumber ? UInt8(ascii: ".") : amountReader.decimalByte
        let plain = DecimalReader.plainInteger(text, fractionDigits: digits.count, decimalByte: decimalByte)
        if let plain { record.amountMinorUnits = plain } else { try readAnyAmount(text, &record) }
    }

    private func readAnyAmount(_ text: FieldText, _ record: inout Record) throws(RowFault) {
        let reader = text.isNumber ? DecimalReader.plain : amountReader
        var value: Int64
        do throws(DecimalReader.Fault) {
            value = try reader.integer(text.bytes, fractionDigits: digits.count)
        } catch {
            throw amount.fault(text, "\(error.message) (currency \(record.currency.code))")
        }
        if value < 0 {
            guard case .event(let event) = negativeAmount else { throw amount.fault(text, "is negative") }
            guard value != .min else { throw amount.fault(text, "is beyond 64 bits") }
            value = -value
            record.store(UInt64(event.rawValue), .event)
        }
        record.amountMinorUnits = value
    }

    /// Digits in the mapping's unit, or `90s` for seconds whatever the unit is.
    private func readDuration(_ texts: UnsafeBufferPointer<FieldText>, _ record: inout Record) throws(RowFault) {
        let text = duration.text(texts)
        guard !text.isEmpty else { return }
        if durationUnit == .milliseconds, let milliseconds = text.shortNumber {
            record.duration = PackedDuration(rawValue: UInt32(milliseconds))
        } else {
            record.duration = try anyDuration(text)
        }
    }

    private func anyDuration(_ text: FieldText) throws(RowFault) -> PackedDuration {
        if text.bytes.last == UInt8(ascii: "s") {
            let digits = text.bytes.dropLast()
            guard digits.allSatisfy(isDigit), let seconds = UInt32(String(decoding: digits, as: UTF8.self)),
                seconds < 0x7FFF_FFFF
            else { throw duration.fault(text, "is no number of seconds below 2147483647") }
            return PackedDuration(rawValue: 1 << 31 | seconds)
        }
        let milliseconds: Int64
        do throws(DecimalReader.Fault) {
            let digits = durationUnit == .seconds ? 3 : 0
            milliseconds = try DecimalReader.plain.integer(text.bytes, fractionDigits: digits)
        } catch {
            throw duration.fault(text, error.message)
        }
        guard let packed = PackedDuration(milliseconds: milliseconds) else {
            throw duration.fault(text, milliseconds < 0 ? "is negative" : "is longer than 68 years")
        }
        return packed
    }

    private func check(_ record: Record, nowMicroseconds: Int64) throws(RowFault) {
        var checked = record
        checked.source = 1
        guard let fault = checked.fault(nowMicroseconds: nowMicroseconds) else { return }
        throw RowFault(MappedField(fault.field), fault.reason.explanation)
    }

    private mutating func readNames(
        _ texts: UnsafeBufferPointer<FieldText>, _ record: inout Record, _ batch: inout ParsedBatch
    ) throws(RowFault) {
        let isPersonal = personal.isPersonal(texts)
        for position in vocabularyCount..<columns.count {
            let field = columns[position].source.field
            if field == .payee, isPersonal != columns[position].isTokenised { continue }
            let text = columns[position].source.text(texts)
            if text.isEmpty {
                if field.isRequired { throw columns[position].source.missing }
                continue
            }
            if let number = columns[position].plainNumber(text) {
                if number == 0, field.isRequired { throw columns[position].source.missing }
                record.store(number, field)
                continue
            }
            var key = text
            if columns[position].isTokenised {
                let period = tokenPeriods.period(ofMicroseconds: record.timeMicroseconds)
                if period != 0 { key = accountKey.key(of: text, in: period) }
            }
            var entry = columns[position].entry(of: key)
            if entry >= 0, let number = columns[position].number(entry) {
                if number == 0, field.isRequired { throw columns[position].source.missing }
                record.store(number, field)
                continue
            }
            let day = CalendarDay(daysSince1970: record.utcDay)
            if entry < 0 {
                entry = try columns[position].enter(
                    text, under: key, on: day, known: -1, as: position, into: &batch)
            }
            var content = columns[position].content(entry, batch: batch.number)
            if case .stale = content {
                entry = try columns[position].enter(
                    text, under: key, on: day, known: entry, as: position, into: &batch)
                content = columns[position].content(entry, batch: batch.number)
            }
            switch content {
            case .number(let number):
                if number == 0, field.isRequired { throw columns[position].source.missing }
                record.store(number, field)
            case .waitingForName(let item):
                nameUses.append(.init(record: batch.records.count, item: item, column: position))
            case .waitingForAccount(let item):
                accountUses.append(.init(record: batch.records.count, item: item, column: position))
            case .stale: preconditionFailure("an entry waits in the batch that entered it")
            }
        }
    }
}
