import Rollups
