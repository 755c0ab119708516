import Testing

@testable import RuntimeSetup

@Suite struct UnifiedDiffTests {
    @Test("A diff is what `patch` takes")
    func format() {
        let old = (1...12).map { "line \($0)\n" }.joined()
        let new = old.replacing("line 2\n", with: "line 2\nmore\n").replacing("line 12\n", with: "line 12")
        #expect(
            UnifiedDiff.text("/f", from: old, to: new) == """
                --- /f
                +++ /f
                @@ -1,5 +1,6 @@
                 line 1
                 line 2
                +more
                 line 3
                 line 4
                 line 5
                @@ -9,4 +10,4 @@
                 line 9
                 line 10
                 line 11
                -line 12
                +line 12
                \\ No newline at end of file

                """
        )
        #expect(UnifiedDiff.text("/f", from: nil, to: "a\n") == "--- /dev/null\n+++ /f\n@@ -0,0 +1,1 @@\n+a\n")
        #expect(UnifiedDiff.text("/f", from: "a\n", to: nil) == "--- /f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n")
    }

    @Test("Line breaks of another system are part of the lines")
    func carriageReturns() {
        let text = UnifiedDiff.text("/f", from: "a\r\nb\r\n", to: "a\r\nc\r\n")
        #expect(
            text.utf8.elementsEqual("--- /f\n+++ /f\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n".utf8),
            "\(text.debugDescription)"
        )
    }
}
