import Foundation
import Testing

/// Reference data as people use it: files in, statistics by attributes out, with and without a daemon.
@Suite struct ReferenceTests {
    /// Hà Giang was merged into Tuyên Quang and Phú Yên into Đắk Lắk on 2025-07-01, Đồng Tháp kept its name and took Tiền Giang.
    private static let provinces = """
        code,name,area,province,from
        2,Hà Giang,north,Hà Giang,
        8,Tuyên Quang,north,Tuyên Quang,
        54,Phú Yên,centre,Phú Yên,
        66,Đắk Lắk,highlands,Đắk Lắk,
        82,Tiền Giang,south,Tiền Giang,
        87,Đồng Tháp,south,Đồng Tháp,
        2,Hà Giang,,Tuyên Quang,2025-07-01
        54,Phú Yên,,Đắk Lắk,2025-07-01
        82,Tiền Giang,,Đồng Tháp,2025-07-01

        """

    private static let payments = """
        id,time,amount,currency,source,kind,event,outcome,region,service
        P1,2025-06-30T05:00:00Z,100,VND,gate,payment,initiated,approved,Hà Giang,5411
        P2,2025-06-30T05:00:00Z,200,VND,gate,payment,initiated,approved,Tuyên Quang,5812
        P3,2025-07-01T05:00:00Z,400,VND,gate,payment,initiated,approved,Hà Giang,5411
        P4,2025-07-01T05:00:00Z,800,VND,gate,payment,initiated,approved,Tuyên Quang,tem
        P5,2025-07-01T05:00:00Z,1600,VND,gate,payment,initiated,declined,Phú Yên,5812
        P6,2025-07-01T05:00:00Z,3200,VND,gate,payment,initiated,approved,,5411
        P7,2025-07-02T05:00:00Z,6400,VND,gate,payment,initiated,approved,Tiền Giang,5411

        """

    private func rows(_ workshop: Workshop, _ arguments: String...) async throws -> [String] {
        let result = try await workshop.run(
            program: [Workshop.executable, "daily", "--data", workshop.data, "--format", "csv"] + arguments)
        #expect(result.code == 0, "\(result.errors)")
        return result.output.split(whereSeparator: \.isNewline).map(String.init)
    }

    private func checkProvinces(_ workshop: Workshop) async throws {
        #expect(
            try await rows(workshop, "--by", "month,region.province", "--measures", "attempts,amount") == [
                "month,region.province,currency,attempts,amount", "2025-06,Hà Giang,VND,1,100",
                "2025-06,Tuyên Quang,VND,1,200", "2025-07,Tuyên Quang,VND,2,1200", "2025-07,Đắk Lắk,VND,1,0",
                "2025-07,Đồng Tháp,VND,1,6400", "2025-07,none,VND,1,3200",
            ])
        // Up the hierarchy: the area of what became of it.
        #expect(
            try await rows(workshop, "--by", "region.province.area", "--measures", "attempts") == [
                "region.province.area,attempts", "highlands,1", "north,4", "south,1", "none,1",
            ])
        // Hà Giang counts only from the day on which it is a part.
        #expect(
            try await rows(
                workshop, "--by", "day", "--where", "region.province=Tuyên Quang", "--measures",
                "attempts,largest_amount")
                == ["day,currency,attempts,largest_amount", "2025-06-30,VND,1,200", "2025-07-01,VND,2,800"])
        #expect(
            try await rows(workshop, "--by", "region.area", "--where", "outcome.class=approved", "--measures", "amount")
                == ["region.area,currency,amount", "north,VND,1500", "south,VND,6400", "none,VND,3200"])
        // What is compared counts with the values of its own day.
        #expect(
            try await rows(
                workshop, "--by", "region.province", "--from", "2025-07-01", "--to", "2025-07-01", "--compare",
                "previous",
                "--measures", "attempts") == [
                    "region.province,attempts,attempts_before,attempts_change,attempts_growth_percent",
                    "Hà Giang,0,1,-1,-100.00", "Tuyên Quang,2,1,1,100.00", "Đắk Lắk,1,0,1,", "none,1,0,1,",
                ])
        let top = try await workshop.run(
            "top", "region.province", "--measures", "amount", "--limit", "2", "--data", workshop.data, "--format", "csv"
        )
        #expect(top.rows.map { $0[0] } == ["Đồng Tháp", "none"] && top.rows.map { $0[3] } == ["6400", "3200"])
        #expect(
            try await rows(workshop, "--by", "service.category", "--measures", "attempts") == [
                "service.category,attempts", "Eating places and Restaurants,2", "\"Grocery Stores, Supermarkets\",4",
                "none,1",
            ])
    }

    @Test func provincesMergeOnADay() async throws {
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            let file = try workshop.write("provinces.csv", Self.provinces)
            func take() async throws -> String {
                let result = try await workshop.run(
                    "reference", "import", "regions", file, "--code", "code", "--data", workshop.data)
                #expect(result.code == 0, "\(result.errors)")
                return result.output
            }
            #expect(try await take() == "9 rows of regions: 6 new names, 15 new values\n")
            #expect(try await take() == "9 rows of regions: no new name, no new value\n")
            let payments = try workshop.write("payments.csv", Self.payments)
            #expect(try await workshop.run("load", payments, "--data", workshop.data).code == 0)
            try await checkProvinces(workshop)
            try await workshop.withDaemon { _ in
                #expect(try await take() == "9 rows of regions: no new name, no new value\n")
                try await checkProvinces(workshop)
            }
            #expect(try await workshop.run("rebuild", "--data", workshop.data).code == 0)
            try await checkProvinces(workshop)
            let joined = try await workshop.run(
                "sql",
                """
                SELECT a.value, count(*) FROM transactions t JOIN attributes a ON a.kind = 'region' AND a.name = t.region
                AND a.attribute = 'province' AND coalesce(a.valid_from, '') <= t.day AND t.day <= coalesce(a.valid_to, '9')
                GROUP BY 1 ORDER BY 1
                """, "--data", workshop.data, "--format", "csv")
            #expect(
                joined.rows == [["Hà Giang", "1"], ["Tuyên Quang", "3"], ["Đắk Lắk", "1"], ["Đồng Tháp", "1"]],
                "\(joined.errors)")
            let listed = try await workshop.run(
                "reference", "list", "regions", "--data", workshop.data, "--at", "2025-07-01", "--format", "csv")
            #expect(listed.rows[0] == ["2", "Hà Giang", "north", "Tuyên Quang"] && listed.rows.count == 6)
            // A code that is called otherwise from a day on keeps the name by which records find it.
            let renamed = try workshop.write("renamed.csv", "code,name\n8,Tỉnh Tuyên Quang\n87,Tỉnh Đồng Tháp\n")
            let taken = try await workshop.run(
                "reference", "import", "regions", renamed, "--code", "code", "--from", "2025-07-01", "--data",
                workshop.data)
            #expect(taken.output == "2 rows of regions: no new name, 2 new values\n", "\(taken.errors)")
            #expect(
                try await rows(
                    workshop, "--by", "region.name", "--where", "region.area=north", "--measures", "attempts")
                    == ["region.name,attempts", "Hà Giang,2", "Tuyên Quang,1", "Tỉnh Tuyên Quang,1"])
            let before = try await workshop.run(
                "reference", "list", "region", "--data", workshop.data, "--at", "2025-06-30", "--format", "csv")
            #expect(before.rows[0] == ["2", "Hà Giang", "north", "Hà Giang"])
        }
    }

    @Test func aRunningDaemonTakesReferenceDataAndKeepsIt() async throws {
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            func history() async throws -> [[String]] {
                try await workshop.run(
                    "reference", "list", "services", "--history", "--data", workshop.data, "--format", "csv"
                ).rows.map { Array($0.prefix(5)) }
            }
            let expected = [
                ["2147483648", "Hộ chiếu", "agency", "Bộ Công an", ""],
                ["2147483648", "Hộ chiếu", "agency", "Bộ Ngoại giao", "2025-07-01"],
                ["2147483648", "Hộ chiếu", "agency", "", "2026-01-01"],
            ]
            let daemon = try await Daemon(workshop, data: workshop.data)
            do {
                func set(_ words: String...) async throws -> Workshop.Outcome {
                    try await workshop.run(
                        program: [
                            Workshop.executable, "reference", "set", "service", "Hộ chiếu", "--data", workshop.data,
                        ]
                            + words)
                }
                let unknown = try await set("agency=Bộ Công an")
                #expect(unknown.code == 64 && unknown.errors.contains("the ledger knows no service 'Hộ chiếu'"))
                #expect(try await set("agency=Bộ Công an", "--new").output == "1 new value\n")
                #expect(try await set("agency=Bộ Công an").output == "no new value\n")
                #expect(try await set("agency=Bộ Ngoại giao", "--from", "2025-07-01").output == "1 new value\n")
                #expect(try await set("agency=", "--from", "2026-01-01").output == "1 new value\n")
                #expect(try await set("a.b=1").code == 64)
                #expect(try await history() == expected)
                daemon.crash()
            }
            #expect(try await history() == expected)
            try await workshop.withDaemon { _ in
                let kept = try await history()
                #expect(kept == expected)
            }
            #expect(try await workshop.run("verify", "--data", workshop.data).code == 0)
        }
    }

    @Test func nothingIsImportedWhenARowIsWrong() async throws {
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            let file = try workshop.write("r.csv", "name,area\nHuế,centre\nVinh\n\"Sa\nPa\",north\n")
            let result = try await workshop.run("reference", "import", "regions", file, "--data", workshop.data)
            #expect(result.code == 65)
            #expect(
                result.errors == """
                    \(file): row 3: has 1 columns, the header has 2
                    \(file): row 4: name: has a line break or another control character
                    sluice: 2 rows of 3 in \(file) cannot be taken: nothing was imported

                    """)
            let listed = try await workshop.run("reference", "list", "regions", "--data", workshop.data)
            #expect(listed.output == "nothing is known of regions\n")
        }
    }

    /// Two agencies. On 2026-06-30 A has three offerings, two of them at level 4, one of those requested; B has one at level 3,
    /// which was requested elsewhere only.
    @Test func offeringsAgainstATarget() async throws {
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            let offerings = """
                agency,service,region,level,from,to
                A,passport,Huế,4,2025-01-01,
                A,licence,,full,2025-01-01,
                A,permit,Huế,3,2025-01-01,
                A,permit,Vinh,4,2025-01-01,2026-06-29
                B,birth,Vinh,partial,2025-01-01,

                """
            let requests = """
                id,time,amount,currency,source,kind,event,outcome,region,service
                R1,2026-06-30T05:00:00Z,0,VND,portal,request,initiated,pending,Vinh,licence
                R2,2026-06-30T05:00:00Z,0,VND,portal,request,initiated,approved,Huế,birth
                R3,2026-06-30T05:00:00Z,9,VND,portal,payment,initiated,approved,Huế,passport
                R4,2026-05-30T05:00:00Z,0,VND,portal,request,initiated,approved,Huế,passport

                """
            let file = try workshop.write("offerings.csv", offerings)
            let taken = try await workshop.run("reference", "import", "offerings", file, "--data", workshop.data)
            #expect(taken.output == "5 rows of offerings: 8 new names, 6 new values\n", "\(taken.errors)")
            let again = try await workshop.run("reference", "import", "offerings", file, "--data", workshop.data)
            #expect(again.output == "5 rows of offerings: no new name, no new value\n")
            #expect(
                try await workshop.run("load", workshop.write("requests.csv", requests), "--data", workshop.data).code
                    == 0)
            let levels = try await workshop.run(
                "sql", "SELECT service, level, valid_to FROM offerings WHERE agency = 'A' AND valid_to IS NOT NULL",
                "--data",
                workshop.data, "--format", "csv")
            #expect(levels.rows == [["permit", "4", "2026-06-29"]], "\(levels.errors)")
            func shares(_ words: String...) async throws -> [String] {
                try await workshop.run(
                    program: [Workshop.executable, "offerings", "--data", workshop.data, "--format", "csv"] + words
                ).rows.map { $0.joined(separator: " ") }
            }
            let day = ["--on", "2026-06-30"]
            #expect(
                try await shares("--by", "agency", "--target", "30%", day[0], day[1])
                    == ["A 3 2 66.67 30.00 yes", "B 1 0 0.00 30.00 no"])
            #expect(try await shares("--on", "2026-06-29") == ["5 3 60.00"])
            #expect(
                try await shares("--level", "partial", "--by", "region", day[0], day[1])
                    == ["everywhere 1 1 100.00", "Huế 2 2 100.00", "Vinh 1 1 100.00"])
            #expect(
                try await shares(
                    "--by", "agency", "--requests", "--from", "2026-06-01", "--to", "2026-06-30", "--target", "66.67")
                    == ["A 3 2 66.67 66.67 no 1 33.33", "B 1 0 0.00 66.67 no 0 0.00"])
            #expect(try await shares("--on", "2024-12-31", "--by", "agency") == [])
        }
    }
}
