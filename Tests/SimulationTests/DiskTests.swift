import Simulation
import Testing

@Suite struct DiskTests {
}
