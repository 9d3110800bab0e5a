#ifndef SECTORAL_CPOSTGRES_H
#define SECTORAL_CPOSTGRES_H

#include "Library.h"
#include "Process.h"

#endif
