module sesame.example/packages/go

go 1.21
