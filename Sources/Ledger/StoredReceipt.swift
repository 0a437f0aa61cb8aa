import Foundation
import Transactions

/// A receipt in the form in which a gateway keeps it: one JSON object, one to a line of a file.
///
///     {"accepted":2,"chainDigest":"9c81...1149","chainSequence":2,"conflicts":0,"duplicates":0,"firstSequence":1,
///      "ledger":"1122334455667788","rejected":0}
///
/// It says that the ledger held, up to `chainSequence`, exactly the records that the digest was made of, those that were accepted
/// among them. `ReceiptVerification` proves later that the log still does.
public struct StoredReceipt: Hashable, Sendable, Codable {
    /// The ledger's number, hexadecimal.
    public var ledger: String
    /// Records of the batch that were new.
    public var accepted: Int
    /// Records that were there already.
    public var duplicates: Int
    /// Records whose identity was there with other content.
    public var conflicts: Int
    /// Records with a fault.
    public var rejected: Int
    /// The sequence of the first accepted record, the others follow without gaps; 0 when none was accepted.
    public var firstSequence: UInt64
    /// Up to where the chain speaks.
    public var chainSequence: UInt64
    /// The chain up to there, 64 hexadecimal digits.
    public var chainDigest: String

    /// The receipt of a batch.
    public init(ledger: UInt64, _ receipt: Receipt) {
        self.init(ledger: ledger, chain: receipt.chain)
        accepted = receipt.accepted
        duplicates = receipt.duplicates
        conflicts = receipt.conflicts
        rejected = receipt.rejected
        firstSequence = receipt.firstSequence
    }

    /// A receipt for all that a ledger holds.
    public init(ledger: UInt64, chain: ChainHead) {
        self.ledger = String(ledger, radix: 16)
        (accepted, duplicates, conflicts, rejected, firstSequence) = (0, 0, 0, 0, 0)
        chainSequence = chain.sequence
        chainDigest = hexadecimal(chain.digest)
    }

    /// The number of the ledger, and the chain; nil when the digits are none.
    var proof: (ledger: UInt64, chain: ChainHead)? {
        guard let ledger = UInt64(ledger, radix: 16), let digest = bytes(hexadecimal: chainDigest), digest.count == 32
        else { return nil }
        return (ledger, ChainHead(sequence: chainSequence, digest: digest))
    }

    /// One line, with its end.
    public var line: String {
        // Digits alone, so nothing in it needs an escape.
        """
        {"accepted":\(accepted),"chainDigest":"\(chainDigest)","chainSequence":\(chainSequence),\
        "conflicts":\(conflicts),"duplicates":\(duplicates),"firstSequence":\(firstSequence),"ledger":"\(ledger)",\
        "rejected":\(rejected)}

        """
    }

    /// Reads a line; says what is wrong with one that is no receipt.
    public init(line: some StringProtocol) throws(ReceiptError) {
        do {
            self = try JSONDecoder().decode(StoredReceipt.self, from: Data(line.utf8))
        } catch DecodingError.keyNotFound(let key, _) {
            throw ReceiptError("'\(key.stringValue)' is missing")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            throw ReceiptError("\(context.codingPath.map(\.stringValue).joined()): \(context.debugDescription)")
        } catch {
            throw ReceiptError("it is no JSON object of a receipt")
        }
        guard proof != nil else {
            throw ReceiptError("'ledger' has up to 16 and 'chainDigest' has 64 hexadecimal digits")
        }
        guard min(accepted, duplicates, conflicts, rejected) >= 0 else { throw ReceiptError("a count is negative") }
        guard (accepted == 0) == (firstSequence == 0), firstSequence <= chainSequence,
            accepted == 0 || UInt64(accepted) <= chainSequence - firstSequence + 1
        else { throw ReceiptError("'firstSequence' and 'accepted' do not lie before 'chainSequence'") }
    }
}

/// Why a line is no stored receipt.
public struct ReceiptError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was found and what was expected.
    public let description: String

    init(_ description: String) { self.description = description }
}
