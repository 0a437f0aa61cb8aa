import Transactions

extension RowAssembler {
    /// Puts tokens in the places of a batch's accounts; persons among payees become names by it.
    mutating func supply(tokens: [UInt64], to batch: inout ParsedBatch) {
        precondition(tokens.count == batch.accounts.count, "one token for each account")
        precondition(tokens.allSatisfy { $0 > 0 && $0 >> 48 == 0 }, "a token has 48 bits and is not 0")
        for place in batch.accountPlaces {
            let isPerson = columns[place.column].source.field == .payee
            let isPresent = columns[place.column].generation == place.generation
            if isPerson {
                let position = batch.position(of: Name(.payee, TokenText.text(of: tokens[place.item])))
                if isPresent {
                    columns[place.column].set(place.entry, waitingForName: position, batch: batch.number)
                }
                batch.namePlaces.append(
                    .init(item: position, column: place.column, entry: place.entry, generation: place.generation))
            } else if isPresent {
                columns[place.column].set(place.entry, number: tokens[place.item])
            }
        }
        for use in batch.accountUses {
            let token = tokens[use.item]
            if columns[use.column].source.field == .payee {
                let position = batch.position(of: Name(.payee, TokenText.text(of: token)))
                batch.nameUses.append(.init(record: use.record, item: position, column: use.column))
            } else {
                batch.records[use.record].payer = token
            }
        }
        batch.finishAccounts()
    }

    /// Puts codes in the places of a batch's names; rows whose names were refused become rejects.
    mutating func supply(codes: [NameResolution], to batch: inout ParsedBatch) {
        precondition(batch.accounts.isEmpty, "accounts are supplied first")
        precondition(codes.count == batch.names.count, "one answer for each name")
        for place in batch.namePlaces where columns[place.column].generation == place.generation {
            if case .code(let code) = codes[place.item] {
                columns[place.column].set(place.entry, number: UInt64(code))
            }
        }
        var refused: [Int: RowFault] = [:]
        for use in batch.nameUses {
            switch codes[use.item] {
            case .code(let code):
                precondition(code > 0 && code <= batch.names[use.item].space.largestCode, "a code of the name's space")
                batch.records[use.record].store(UInt64(code), columns[use.column].source.field)
            case .refused(let reason):
                guard refused[use.record] == nil else { continue }
                let name = OwnedText(batch.names[use.item].text)
                refused[use.record] = columns[use.column].source.fault(name.text, reason)
            }
        }
        batch.finishNames(refused: refused)
    }
}
