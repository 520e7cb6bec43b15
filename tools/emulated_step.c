/* One call of the compiled step on memory that Python wrote to a file; tools/emulated_step.py tells how.

   The file is mapped, so that what the step writes is in the file afterwards. Pointers in it are places in the memory
   behind `start`; `moves` lists where they are. */

#include STEP

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

typedef struct {
    int64_t start, moves, program, batch, logits, updates, nesterov, begun;
    double rate, momentum, decay, loss;
} Header;

int main(int count, char **words) {
    struct stat about;
    int file = count == 2 ? open(words[1], O_RDWR) : -1;
    if (count == 1) return printf("%d\n", (int)LANES) < 0;
    if (file < 0 || fstat(file, &about)) return 2;
    char *mapped = mmap(0, about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) return 3;
    Header *header = (Header *)mapped;
    char *memory = mapped + header->start;
    int64_t *moves = (int64_t *)(header + 1);
    for (int64_t i = 0; i < header->moves; i++) *(int64_t *)(memory + moves[i]) += (int64_t)(intptr_t)memory;
    const Program *program = (const Program *)(memory + header->program);
    const Batch *batch = (const Batch *)(memory + header->batch);
    real *logits = (real *)(memory + header->logits);
    header->loss = header->updates ? update(program, batch, logits, header->rate, header->momentum, header->decay,
                                            header->nesterov, header->begun)
                                   : pass(program, batch, logits);
    return 0;
}
